"""TOKENS -> MaskPlan."""
