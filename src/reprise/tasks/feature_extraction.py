"""feature-extraction: what a model says of each token, as transformers' pipeline gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.rows import Row
from reprise.tasks.scores import check_count
from reprise.tasks.text import Cut, Reader, check_text

_CUTTING = ("truncation", "max_length")
_TENSORS = (None, False, True, "np", "pt")


@dataclass(frozen=True)
class FeatureOptions(Options):
    """Parameters of feature-extraction.

    Attributes:
        truncation: Whether texts that are too long are cut; by default they are an error.
        max_length: Tokens to cut to.
        tokenize_kwargs: The same two, as transformers' pipeline takes them.
        return_tensors: False for nested lists, "np" or True for arrays [1, T, C], "pt" for tensors.
    """

    truncation: bool | str | None = None
    max_length: int | None = None
    tokenize_kwargs: Mapping[str, Any] | None = None
    return_tensors: bool | str | None = False


class FeatureExtraction(Pipeline):
    """Gives hidden states [1, T, C] per text."""

    options_type = FeatureOptions
    fields = ("last_hidden_state", "logits")
    by_token = True

    def prepare(self) -> None:
        """Make what reads text."""
        self.reader = Reader(self.parts)

    def read(self, item: Any, options: FeatureOptions) -> str:
        """Accept a text."""
        if options.return_tensors not in _TENSORS:
            raise InvalidInput(f"return_tensors is {options.return_tensors!r}; use 'np' or 'pt'.")
        return check_text(item)

    def rows(self, items: Sequence[str], options: FeatureOptions) -> list[list[Row]]:
        """Encode texts, one row each."""
        return self.reader.rows(self.reader.encode(items, cut_of(options)))

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def result(self, done: Done, options: FeatureOptions) -> Any:
        """Give the states of one text."""
        states = next(iter(done.answers[0].values()))[None]
        if options.return_tensors == "pt":
            from reprise.base.optional import require

            return require("torch", extra="torch").from_numpy(states.copy())
        return states if options.return_tensors else states.tolist()


def cut_of(options: Any) -> Cut:
    """Read how texts are cut from a task's options.

    Raises:
        InvalidInput: The tokenizer's parameters hold others than these two.
    """
    more = getattr(options, "tokenize_kwargs", None) or getattr(options, "tokenizer_kwargs", None)
    if more is not None and not isinstance(more, Mapping):
        raise InvalidInput(f"The tokenizer's parameters are a mapping, not {more!r:.80}.")
    unknown = sorted(set(more or {}) - {*_CUTTING, "padding"})
    if unknown:
        raise InvalidInput(f"Of the tokenizer's parameters only {', '.join(_CUTTING)} are taken, "
                           f"not {', '.join(unknown)}.")  # fmt: skip
    found: dict[str, Any] = {name: getattr(options, name, None) for name in _CUTTING}
    found |= {name: more[name] for name in _CUTTING if more and name in more}
    if found["max_length"] is not None:
        check_count("max_length", found["max_length"])
        if found["truncation"] is None:  # as tokenizers have it
            found["truncation"] = True
    return Cut(**found)
