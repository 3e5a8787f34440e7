"""Where pieces of work run: one protocol, so that a cluster can take the place of this machine."""

from collections.abc import Callable, Sequence
from typing import Protocol

from reprise.data.progress import Advance

# A piece of work: it writes a file, calls what it is given with the number of rows that were just
# done, and returns the path of the file. It can be sent to another process.
Piece = Callable[[Advance], str]


class Executor(Protocol):
    """Runs pieces of work that write files which this process can read.

    Results and their keys do not depend on where they were made, nor on how many worked.
    """

    @property
    def workers(self) -> int:
        """How many pieces can run at once."""
        ...

    @property
    def is_here(self) -> bool:
        """Whether pieces run in this process and see its memory."""
        ...

    def run(self, pieces: Sequence[Piece], advance: Advance) -> None:
        """Run all pieces; the first failure ends the others.

        Raises:
            RemoteFailure: One failed in another process; the message names the row, the hint is
                its traceback.
            WorkerCrashed: A worker ended.
            Exception: What a piece raised in this process.
        """
        ...


class Here:
    """Runs everything in this thread, one after the other."""

    workers = 1
    is_here = True

    def run(self, pieces: Sequence[Piece], advance: Advance) -> None:
        """Run all pieces."""
        for piece in pieces:
            piece(advance)


def told(error: BaseException) -> str:
    """Return an exception with its notes as one text, for another process to show."""
    notes = "; ".join(getattr(error, "__notes__", []))
    return f"{type(error).__name__}: {error}" + (f" ({notes})" if notes else "")
