"""`python -m sslts` is the `sslts` command."""

from sslts.cli import main

main()
