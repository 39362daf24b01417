"""TOKENS AT TARGETS: JEPA predictors and MAE decoders."""
