"""Model folders: found, checked, read and written."""
