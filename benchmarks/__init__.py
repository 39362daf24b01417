"""Benchmarks: the figures that cards and the README quote, one JSON a row and fold."""
