"""The program of a model's process: `python -m reprise.worker.inside`."""

import os

from reprise.worker.inside.process import Process


def main() -> None:
    """Serve jobs on the pipes that were stdin and stdout; what is printed goes to stderr."""
    with os.fdopen(os.dup(0), "rb") as jobs, os.fdopen(os.dup(1), "wb") as answers:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        Process(jobs, answers).serve()


if __name__ == "__main__":
    main()
