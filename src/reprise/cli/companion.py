"""Run the command line as a part of another process: end when that ends, however it ends.

`python -m reprise.cli.companion PID ARGS…`: what `reprise serve` starts its worker with.
"""

import os
import signal
import sys

from reprise.isolate.guard.privileges import die_with_parent


def main(argv: list[str]) -> None:
    """Tie this process to its parent, then run the command line."""
    parent, *rest = argv
    die_with_parent(signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(1)  # it ended before we could ask to be told
    from reprise.cli.main import main as run

    run(rest)


if __name__ == "__main__":
    main(sys.argv[1:])
