"""`python -m seaway.serve`: a worker process, started by its parent."""

import sys

from seaway.serve.workers import run

if __name__ == "__main__":
    sys.exit(run())
