"""What loading did with a file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What loading did.

    Attributes:
        initialised: Canonical names of head parameters that the file lacks, filled from `seed`.
        unused: Names in the file that belong to parts this model does not have.
        seed: What the new parameters were drawn with; None when there are none.
    """

    initialised: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    seed: int | None = None
