"""The engine on the `tokenizers` library; no other module of Reprise imports that library.

Its tokenizers carry truncation as state, so each set of options has a tokenizer of its own that is
made under a lock and never changed afterwards. They share vocabulary and components.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.base.optional import require
from reprise.tokenizers.batch import Batch
from reprise.tokenizers.cleaning import clean_up_spaces
from reprise.tokenizers.engine import DecodeStream, Support
from reprise.tokenizers.options import EncodeOptions, Row, Rows, Truncation, Want
from reprise.tokenizers.spec import TokenizerSpec
from reprise.tokenizers.streaming import WindowStream

if TYPE_CHECKING:
    import tokenizers
    from numpy.typing import NDArray

_NO_ROOM = "too short to respect"  # what the library says of pairs
_KEPT = 16  # option sets whose tokenizers are kept
_PROFILE = "hf-0.23"
_IDS, _TYPE_IDS = attrgetter("ids"), attrgetter("type_ids")
_OFFSETS, _SPECIAL = attrgetter("offsets"), attrgetter("special_tokens_mask")
_Key = tuple[bool, tuple[Any, ...] | None]


def library() -> Any:
    """Import the library.

    Raises:
        MissingExtra: It is not installed.
    """
    return require("tokenizers", extra="run")


class HfEngine:
    """A tokenizer run by the `tokenizers` library."""

    name = "hf"

    def __init__(self, spec: TokenizerSpec, tokenizer: "tokenizers.Tokenizer") -> None:
        self.spec = spec
        self.version: str = library().__version__
        self._base = tokenizer
        self._lock = threading.Lock()
        self._configured: dict[_Key, tokenizers.Tokenizer] = {}
        self._added: dict[int, Any] = tokenizer.get_added_tokens_decoder()

    @staticmethod
    def supports(spec: TokenizerSpec) -> Support:
        """Tell whether the spec asks for this library's behaviour; it has every component."""
        if spec.profile != _PROFILE:
            return Support(ok=False, reason=f"profile {spec.profile!r} is not {_PROFILE}")
        return Support(ok=True)

    @classmethod
    def build(cls, spec: TokenizerSpec) -> "HfEngine":
        """Make an engine; see `reprise.tokenizers.engine.Engine`."""
        with refusals("The tokenizer cannot be built"):
            tokenizer = library().Tokenizer.from_buffer(spec.engine_json())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        _check_added(spec, tokenizer.get_added_tokens_decoder())
        return cls(spec, tokenizer)

    def __reduce__(self) -> tuple[Callable[..., "HfEngine"], tuple[TokenizerSpec]]:
        return HfEngine.build, (self.spec,)

    def encode(self, inputs: Rows, options: EncodeOptions) -> Batch:
        """Encode rows.

        Raises:
            InvalidInput: A row is neither text, pair, words nor a pair of words, or the options
                leave no room for the special tokens.
        """
        encodings = self._run(inputs, options)
        sources: Iterable[int] = range(len(encodings))
        if options.truncation is not None and options.truncation.return_overflow:
            windows = [[encoding, *encoding.overflowing] for encoding in encodings]
            sources = [row for row, found in enumerate(windows) for _ in found]
            encodings = [encoding for found in windows for encoding in found]
        return _batch(encodings, sources, options)

    def count(self, inputs: Rows, options: EncodeOptions) -> "NDArray[np.int64]":
        """Count the tokens of each row, windows included."""
        encodings = self._run(inputs, options)
        if options.truncation is not None and options.truncation.return_overflow:
            encodings = [each for found in encodings for each in (found, *found.overflowing)]
        return np.fromiter(map(len, encodings), np.int64, len(encodings))

    def decode(
        self,
        ids: "NDArray[np.uint32]",
        row_splits: "NDArray[np.int64]",
        *,
        skip_special: bool,
        clean_up: bool,
    ) -> list[str]:
        """Turn rows of ids back into text; ids without a token are left out."""
        listed = ids.tolist()
        rows = [listed[a:b] for a, b in pairwise(row_splits.tolist())]
        with refusals("The ids cannot be decoded", InvalidInput):
            if len(rows) == 1:
                texts = [self._base.decode(rows[0], skip_special_tokens=skip_special)]
            else:
                texts = self._base.decode_batch(rows, skip_special_tokens=skip_special)
        return [clean_up_spaces(text) for text in texts] if clean_up else texts

    def decode_stream(self, *, skip_special: bool) -> DecodeStream:
        """Start turning ids into text one by one."""
        base = self._base
        return WindowStream(lambda ids: base.decode(ids, skip_special_tokens=skip_special))

    def join_tokens(self, tokens: Sequence[str]) -> str:
        """Turn tokens back into text."""
        decoder = self._base.decoder
        with refusals("The tokens cannot be joined", InvalidInput):
            return " ".join(tokens) if decoder is None else str(decoder.decode(list(tokens)))

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token."""
        return self._base.token_to_id(token)

    def id_to_token(self, token_id: int) -> str | None:
        """Return the token of an id."""
        if not 0 <= token_id < 1 << 32:
            return None
        return self._base.id_to_token(token_id)

    def vocab(self) -> Mapping[str, int]:
        """Return all tokens, added ones included, with their ids."""
        return self._base.get_vocab(with_added_tokens=True)

    def special_count(self, *, pair: bool) -> int:
        """Return how many tokens the template adds."""
        return self._base.num_special_tokens_to_add(pair)

    @property
    def vocab_size(self) -> int:
        """How many tokens there are, added ones included."""
        return self._base.get_vocab_size(with_added_tokens=True)

    def _run(self, inputs: Rows, options: EncodeOptions) -> list[Any]:
        rows: list[Row] = [inputs] if isinstance(inputs, str) else list(inputs)
        split = {_is_split(row) for row in rows}
        if len(split) > 1:
            raise InvalidInput("A batch holds either texts or lists of words, not both.")
        self._check_room(rows, options)
        tokenizer = self._with(options)
        how: dict[str, Any] = {
            "is_pretokenized": True in split,
            "add_special_tokens": options.add_special_tokens,
        }
        with refusals("The text cannot be encoded", InvalidInput, rows):
            if len(rows) == 1 or options.threads == 1:
                return [_encode_one(tokenizer, row, how) for row in rows]
            if options.want & (Want.OFFSETS | Want.WORD_IDS):  # the fast way forgets both
                return tokenizer.encode_batch(rows, **how)
            return tokenizer.encode_batch_fast(rows, **how)

    def _check_room(self, rows: list[Row], options: EncodeOptions) -> None:
        cut = options.truncation
        if cut is None or not options.add_special_tokens:
            return
        special = self.special_count(pair=any(isinstance(row, tuple) for row in rows))
        if cut.max_length < special:
            raise InvalidInput(
                f"max_length is {cut.max_length}, but the special tokens alone are {special}."
            )
        if cut.stride and cut.stride >= cut.max_length - special:
            raise InvalidInput(
                f"stride is {cut.stride}, but max_length {cut.max_length} leaves "
                f"{cut.max_length - special} tokens for text, of which it must be less."
            )

    def _with(self, options: EncodeOptions) -> "tokenizers.Tokenizer":
        """Return the tokenizer that is set up for some options."""
        key = (options.split_special_tokens, _truncation_key(options.truncation))
        if key == (False, None):
            return self._base
        with self._lock:
            found = self._configured.get(key)
            if found is None:
                if len(self._configured) >= _KEPT:
                    self._configured.pop(next(iter(self._configured)))
                found = self._configured[key] = self._set_up(options)
            return found

    def _set_up(self, options: EncodeOptions) -> "tokenizers.Tokenizer":
        """Make a tokenizer that shares everything with the base but its options."""
        base = self._base
        made: tokenizers.Tokenizer = library().Tokenizer(base.model)
        for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
            setattr(made, part, getattr(base, part))
        made.add_tokens([token for _, token in sorted(self._added.items())])
        made.encode_special_tokens = options.split_special_tokens
        cut = options.truncation
        if cut is not None:
            made.enable_truncation(
                cut.max_length, stride=cut.stride, strategy=cut.strategy, direction=cut.side
            )
        return made


def _encode_one(tokenizer: "tokenizers.Tokenizer", row: Row, how: dict[str, Any]) -> Any:
    """Encode in the calling thread, without the library's pool."""
    if isinstance(row, tuple):
        return tokenizer.encode(row[0], row[1], **how)
    return tokenizer.encode(row, **how)


def _batch(encodings: list[Any], sources: Iterable[int], options: EncodeOptions) -> Batch:
    want = options.want
    splits = np.zeros(len(encodings) + 1, np.int64)
    np.cumsum([len(each) for each in encodings], out=splits[1:])
    total = int(splits[-1])

    def column(dtype: Any, flag: Want, read: Callable[[Any], Iterable[Any]]) -> Any:
        if flag not in want:
            return None
        return np.fromiter(chain.from_iterable(map(read, encodings)), dtype, total)

    offsets = column(np.dtype((np.int32, 2)), Want.OFFSETS, _OFFSETS)
    return Batch(
        ids=np.fromiter(chain.from_iterable(map(_IDS, encodings)), np.uint32, total),
        row_splits=splits,
        source_row=np.fromiter(sources, np.int64, len(encodings)),
        type_ids=column(np.uint8, Want.TYPE_IDS, _TYPE_IDS),
        special_mask=column(np.uint8, Want.SPECIAL_MASK, _SPECIAL),
        offsets=offsets,
        word_ids=column(np.int32, Want.WORD_IDS, lambda each: _numbers(each.word_ids)),
        sequence_ids=column(np.int8, Want.SEQUENCE_IDS, lambda each: _numbers(each.sequence_ids)),
        tokens=(
            tuple(chain.from_iterable(each.tokens for each in encodings))
            if Want.TOKENS in want
            else None
        ),
        padding=options.padding,
    )


def _numbers(values: Iterable[int | None]) -> Iterator[int]:
    return (-1 if value is None else value for value in values)


def _is_split(row: Row) -> bool:
    if not isinstance(row, tuple):
        return isinstance(row, list)
    if len(row) != 2 or None in row:  # noqa: PLR2004 - a pair
        raise InvalidInput(f"A pair is two texts, or two lists of words, not {row!r:.80}.")
    return isinstance(row[0], list)


def _truncation_key(cut: Truncation | None) -> tuple[Any, ...] | None:
    return None if cut is None else (cut.max_length, cut.strategy, cut.side, cut.stride)


def _check_added(spec: TokenizerSpec, given: Mapping[int, Any]) -> None:
    """Refuse what the library would do silently: give an added token another id."""
    for token in spec.data["added_tokens"]:
        found = given.get(token["id"])
        if found is None or found.content != token["content"]:
            raise InvalidFormat(
                f"Added token {token['content']!r:.80} claims id {token['id']}, which does not "
                "follow the vocabulary.",
                hint="Ids must have no gaps, and must be the model's own for tokens it has.",
            )


@contextmanager
def refusals(
    what: str, kind: type[InvalidInput] = InvalidFormat, rows: Sequence[Row] = ()
) -> Iterator[None]:
    """Turn whatever the library raises, panics included, into an error of ours."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        if isinstance(error, TypeError | UnicodeError) and rows:
            raise _explain(rows) from None
        text = str(error).strip()[:300] or type(error).__name__
        if _NO_ROOM in text and rows:
            raise kind(
                "A text of a pair that is not to be cut leaves no room for the other one.",
                hint="Shorten it, or give truncation='longest_first' or a larger max_length.",
            ) from None
        raise kind(f"{what}: {text}") from None


def _explain(rows: Sequence[Row]) -> InvalidInput:
    """Say which row is wrong, once the library has said only that one is."""
    for index, row in enumerate(rows):
        for text in _texts(row):
            if not isinstance(text, str):
                return InvalidInput(f"Row {index} holds {type(text).__name__}, not text.")
            try:
                text.encode()
            except UnicodeEncodeError as error:
                return InvalidInput(
                    f"Row {index} holds half of a surrogate pair at character {error.start}.",
                    hint="Read files with errors='replace', or drop such characters.",
                )
    return InvalidInput("A row is neither text, a pair, words nor a pair of words.")


def _texts(row: Any) -> Iterator[Any]:
    if isinstance(row, list | tuple):
        for part in row:
            yield from _texts(part)
    else:
        yield row
