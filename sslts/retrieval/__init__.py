"""EMBEDDINGS -> WORDS AND MOMENTS: name windows by text, and find those that a text or another window resembles."""
