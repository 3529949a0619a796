"""`python -m seaway.cli` is `seaway`."""

from seaway.cli.main import main

main()
