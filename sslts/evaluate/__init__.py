"""From embeddings to figures, without leaks."""
