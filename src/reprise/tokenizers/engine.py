"""The seam: what every tokenizer engine can do, and how one is chosen."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from reprise.base.errors import InvalidInput, NotSupported
from reprise.tokenizers import settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reprise.tokenizers.batch import Batch
    from reprise.tokenizers.options import EncodeOptions, Rows
    from reprise.tokenizers.spec import TokenizerSpec

_log = logging.getLogger("reprise.tokenizers")
# Name -> where it lives, in the order in which "auto" tries them.
_ENGINES = {"hf": "reprise.tokenizers.engines.hf:HfEngine"}


@dataclass(frozen=True)
class Support:
    """Whether an engine can run a tokenizer, and if not, the component it lacks."""

    ok: bool
    reason: str = ""


class DecodeStream(Protocol):
    """Turns ids into text one by one."""

    def push(self, token_id: int) -> str:
        """Take the next id; return the text that is certain now, often empty."""
        ...

    def finish(self) -> str:
        """Return what was held back."""
        ...


class Engine(Protocol):
    """A tokenizer at work: immutable, safe in threads and after fork, pickled as its spec."""

    name: str
    version: str
    spec: "TokenizerSpec"

    @staticmethod
    def supports(spec: "TokenizerSpec") -> Support:
        """Tell whether the engine gives exactly the ids that the spec's profile asks for."""
        ...

    @classmethod
    def build(cls, spec: "TokenizerSpec") -> "Engine":
        """Make an engine for a spec.

        Raises:
            InvalidFormat: The spec contradicts itself.
        """
        ...

    def encode(self, inputs: "Rows", options: "EncodeOptions") -> "Batch":
        """Encode rows."""
        ...

    def count(self, inputs: "Rows", options: "EncodeOptions") -> "NDArray[np.int64]":
        """Count the tokens of each row, without keeping them: int64 [rows]."""
        ...

    def decode(
        self,
        ids: "NDArray[np.uint32]",
        row_splits: "NDArray[np.int64]",
        *,
        skip_special: bool,
        clean_up: bool,
    ) -> list[str]:
        """Turn rows of ids back into text; `clean_up` removes spaces before punctuation."""
        ...

    def decode_stream(self, *, skip_special: bool) -> DecodeStream:
        """Start turning ids into text one by one."""
        ...

    def join_tokens(self, tokens: Sequence[str]) -> str:
        """Turn tokens back into text."""
        ...

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token."""
        ...

    def id_to_token(self, token_id: int) -> str | None:
        """Return the token of an id."""
        ...

    def vocab(self) -> Mapping[str, int]:
        """Return all tokens, added ones included, with their ids."""
        ...

    def special_count(self, *, pair: bool) -> int:
        """Return how many tokens the template adds."""
        ...

    @property
    def vocab_size(self) -> int:
        """How many tokens there are, added ones included."""
        ...


@dataclass(frozen=True)
class TrainConfig:
    """How a vocabulary is learned.

    Attributes:
        vocab_size: Tokens to end with, special ones included.
        min_frequency: Rarer pairs (or words) are left out.
        special_tokens: Tokens that come first, in this order.
        alphabet: Characters that must be in the vocabulary; "bytes" for the 256 of byte-level.
        limit_alphabet: At most this many different characters, the most frequent ones.
        options: What only one kind of model knows: `unk_token`, `max_piece_length`, …
    """

    vocab_size: int = 30_000
    min_frequency: int = 0
    special_tokens: tuple[str, ...] = ()
    alphabet: tuple[str, ...] | Literal["bytes"] = ()
    limit_alphabet: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class TrainerEngine(Protocol):
    """Learns vocabularies."""

    def train(
        self, template: "TokenizerSpec", texts: Iterable[str | bytes], config: TrainConfig
    ) -> "TokenizerSpec":
        """Return the template with a vocabulary learned from texts."""
        ...


def engine_names() -> tuple[str, ...]:
    """Return the names of the engines, in the order in which "auto" tries them."""
    return tuple(_ENGINES)


def open_engine(spec: "TokenizerSpec", engine: str = "auto") -> Engine:
    """Make the engine for a tokenizer.

    Args:
        spec: The tokenizer.
        engine: A name; "auto" takes what `REPRISE_TOKENIZER_ENGINE` names, else the first engine
            that supports the tokenizer.

    Raises:
        InvalidInput: No engine has that name.
        NotSupported: The engine, or all of them, lack a component; the message names it.
        MissingExtra: The engine's library is not installed.
    """
    wanted = settings.engine_name() if engine == "auto" else engine
    names = engine_names() if wanted is None else (wanted,)
    reasons = []
    for name in names:
        found = _engine_class(name)
        support = found.supports(spec)
        if support.ok:
            if _log.isEnabledFor(logging.DEBUG):
                _log.debug("tokenizer %s on engine %s %s", spec.fingerprint(), name, found.version)
            return found.build(spec)
        reasons.append(f"{name}: {support.reason}")
    raise NotSupported(f"No engine can run this tokenizer ({'; '.join(reasons)}).")


def _engine_class(name: str) -> type[Engine]:
    if name not in _ENGINES:
        raise InvalidInput(
            f"There is no tokenizer engine {name!r}; use auto or one of {', '.join(_ENGINES)}.",
            hint="The name comes from an argument or from REPRISE_TOKENIZER_ENGINE.",
        )
    module, _, attribute = _ENGINES[name].partition(":")
    found: type[Engine] = getattr(import_module(module), attribute)
    return found
