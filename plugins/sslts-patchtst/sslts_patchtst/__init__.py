"""PatchTST for sslts. Importing this does not import transformers."""
