"""`python -m reprise`: the command line."""

from reprise.cli.main import main

if __name__ == "__main__":
    main()
