"""MiniRocket for sslts. Importing this imports neither aeon nor numba."""
