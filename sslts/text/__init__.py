"""WORDS -> VECTORS: frozen text towers."""
