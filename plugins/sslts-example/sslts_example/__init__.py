"""sslts-example: components for sslts. Importing this imports nothing else; sslts imports a module when its component is asked for."""
