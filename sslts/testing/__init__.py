"""The conformance kit for plugin authors, one file per kind."""
