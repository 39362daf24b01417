"""Simple peers of the pretrained models, run on the same windows: what a download must beat to be worth it."""
