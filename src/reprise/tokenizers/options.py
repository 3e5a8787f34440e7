"""What one call to an engine may ask for: plain values, never state of an engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import Literal

from reprise.base.errors import InvalidInput

Side = Literal["left", "right"]
Strategy = Literal["longest_first", "only_first", "only_second"]

# One row of input. A tuple is always a pair, a list always words.
Text = str
Pair = tuple[str, str]
Words = list[str]
PairOfWords = tuple[list[str], list[str]]
Row = Text | Pair | Words | PairOfWords
Rows = Sequence[Row]

MAX_LENGTH = 1 << 24  # tokens of one row; padding to more would only exhaust the memory
_SIDES = ("left", "right")
_STRATEGIES = ("longest_first", "only_first", "only_second")


class Want(Flag):
    """Columns of a `Batch`; what is not asked for is not computed."""

    IDS = auto()
    TYPE_IDS = auto()
    SPECIAL_MASK = auto()
    OFFSETS = auto()
    WORD_IDS = auto()
    SEQUENCE_IDS = auto()
    TOKENS = auto()
    ALL = IDS | TYPE_IDS | SPECIAL_MASK | OFFSETS | WORD_IDS | SEQUENCE_IDS | TOKENS


@dataclass(frozen=True)
class Truncation:
    """How a row that is too long is cut.

    Attributes:
        max_length: Tokens of a row, special ones included.
        strategy: Which text of a pair loses tokens.
        side: The end that loses them.
        stride: Tokens that a window shares with the one before it.
        return_overflow: Whether what was cut off becomes rows of its own.
    """

    max_length: int
    strategy: Strategy = "longest_first"
    side: Side = "right"
    stride: int = 0
    return_overflow: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.max_length <= MAX_LENGTH:
            raise InvalidInput(
                f"max_length is {self.max_length}; it must be between 1 and {MAX_LENGTH}."
            )
        if not 0 <= self.stride < self.max_length:
            raise InvalidInput(
                f"stride is {self.stride}; it must be at least 0 and below "
                f"max_length ({self.max_length})."
            )
        _one_of("strategy", self.strategy, _STRATEGIES)
        _one_of("side", self.side, _SIDES)


@dataclass(frozen=True)
class Padding:
    """How rows get one length.

    Attributes:
        length: "longest" row of the batch, or a number of tokens; longer rows stay as they are.
        multiple_of: The width is rounded up to a multiple of this.
        side: The end that is padded.
        pad_id: Id of the padding.
        pad_type_id: Its segment.
    """

    length: int | Literal["longest"] = "longest"
    multiple_of: int | None = None
    side: Side = "right"
    pad_id: int = 0
    pad_type_id: int = 0

    def __post_init__(self) -> None:
        if self.length != "longest" and not 0 <= self.length <= MAX_LENGTH:
            raise InvalidInput(f"Padding to {self.length} tokens: use 0 to {MAX_LENGTH}.")
        if self.multiple_of is not None and not 0 < self.multiple_of <= MAX_LENGTH:
            raise InvalidInput(f"pad_to_multiple_of is {self.multiple_of}; use 1 or more.")
        if self.pad_id < 0:
            raise InvalidInput(f"The id of the padding token is {self.pad_id}.")
        _one_of("side", self.side, _SIDES)

    def width(self, longest: int) -> int:
        """Return the width of a batch whose longest row has this many tokens."""
        width = longest if self.length == "longest" else max(longest, self.length)
        step = self.multiple_of or 1
        return -(-width // step) * step


@dataclass(frozen=True)
class EncodeOptions:
    """Everything that may differ from call to call.

    Attributes:
        add_special_tokens: Whether the template of the tokenizer is applied.
        truncation: None leaves rows as long as they are.
        padding: What `Batch.padded` does; the batch itself is never padded.
        split_special_tokens: Whether special tokens in the text are treated as plain text.
        want: Columns to compute besides the ids.
        threads: 1 keeps to the calling thread; None and any other number leave it to the engine.
    """

    add_special_tokens: bool = True
    truncation: Truncation | None = None
    padding: Padding | None = None
    split_special_tokens: bool = False
    want: Want = Want.IDS
    threads: int | None = None


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"Unknown {name} {value!r}; use one of {', '.join(known)}.")
