"""Where pieces of work run: one protocol, so that a cluster can take the place of this machine."""

from collections.abc import Sequence
from typing import Any, Protocol

from reprise.data.progress import Advance


class Executor(Protocol):
    """Runs pieces of work that write files which this process can read.

    A piece is called with a function that takes the number of rows that were just done.
    """

    @property
    def workers(self) -> int:
        """How many pieces can run at once."""
        ...

    def run(self, pieces: Sequence[Any], advance: Advance) -> None:
        """Run all pieces.

        Raises:
            RemoteFailure: One failed; the message names the row, the hint is its traceback.
            WorkerCrashed: A worker ended.
        """
        ...


class Here:
    """Runs everything in this process, one after the other."""

    workers = 1

    def run(self, pieces: Sequence[Any], advance: Advance) -> None:
        """Run all pieces."""
        for piece in pieces:
            piece(advance)
