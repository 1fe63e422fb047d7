"""``python -m raysearch`` is the command line."""

from raysearch.cli import main

if __name__ == "__main__":
    main()
