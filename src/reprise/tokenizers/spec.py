"""A tokenizer as plain, checked data: the only thing an engine is made from."""

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.tokenizers.checking import check

DEFAULT_PROFILE = "hf-0.23"
MAX_JSON = 128 << 20  # bytes; the largest vocabularies in use take about 60 million
# Lists, objects and values of a file, counted by their punctuation: each takes up to 200 bytes of
# memory. XLM-V has a million lists, the largest BPE half a million.
_MOST = ((b"{", 1 << 19), (b"[", 1 << 21), (b",", 1 << 22))
_EMPTY: Mapping[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
}


@dataclass(frozen=True, eq=False)
class TokenizerSpec:
    """The content of a tokenizer.json, checked; truncation and padding are not part of it.

    Attributes:
        data: The content. Nobody may change it; `with_data` makes a changed copy.
        profile: Whose Unicode tables and habits the ids follow: "hf-0.23".
    """

    data: Mapping[str, Any]
    profile: str = DEFAULT_PROFILE
    _text: bytes | None = field(default=None, repr=False)  # what `data` was read from
    _ids: Set[int] | None = field(default=None, repr=False)  # of a model that was checked before

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", _complete(self.data))
        object.__setattr__(self, "_ids", check(self.data, self._ids))

    @classmethod
    def from_json(cls, text: bytes | str, profile: str = DEFAULT_PROFILE) -> Self:
        """Read a tokenizer.json.

        Raises:
            InvalidFormat: It is not JSON, or not a tokenizer.
            TooLarge: Over `MAX_JSON` bytes.
        """
        raw = text.encode() if isinstance(text, str) else text
        data = parse_json(raw, "tokenizer.json", limit=MAX_JSON)
        if not isinstance(data, dict):
            raise InvalidFormat("tokenizer.json holds no object.")
        return cls(data, profile, raw)

    @property
    def frontend(self) -> str | None:
        """Type of the front end that cuts the text into pieces, if there is one."""
        part = self.data.get("frontend")
        return None if part is None else str(part.get("type"))

    @property
    def model_type(self) -> str:
        """BPE, WordPiece, Unigram or WordLevel."""
        return str(self.data["model"]["type"])

    def with_data(self, **changes: Any) -> "TokenizerSpec":
        """Return a copy with some top-level parts replaced."""
        known = None if "model" in changes else self._ids
        return TokenizerSpec({**self.data, **changes}, self.profile, None, known)

    def to_json(self) -> bytes:
        """Return the content as engines and other tools read it, UTF-8; no front end is in it."""
        return _dump({key: value for key, value in self.data.items() if key != "frontend"})

    def engine_json(self) -> bytes:
        """Return what an engine is built from: as `to_json`, or the file as it was read.

        The latter is there at once, but may hold truncation and padding, which engines ignore.
        """
        return self.to_json() if self._text is None or "frontend" in self.data else self._text

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical content and the profile, as hex.

        Two tokenizers with one fingerprint give the same ids.
        """
        canonical = _dump({**self.data, "profile": self.profile}, sort_keys=True)
        return sha256(canonical).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TokenizerSpec):
            return NotImplemented
        return self.profile == other.profile and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __reduce__(self) -> tuple[Callable[..., "TokenizerSpec"], tuple[bytes, str]]:
        return TokenizerSpec.from_json, (_dump(self.data), self.profile)


def parse_json(raw: bytes, name: str, *, limit: int = MAX_JSON) -> Any:
    """Parse the bytes of a JSON file of a tokenizer; keys must be unique, numbers finite.

    Raises:
        InvalidFormat: The message names the file and says what is wrong.
        TooLarge: Over `limit` bytes.
    """
    if len(raw) > limit:
        raise TooLarge(f"{name} has {len(raw)} bytes; at most {limit} are read.")
    for mark, most in _MOST:
        if (count := raw.count(mark)) > most:
            raise TooLarge(f"{name} has {count} times {mark.decode()!r}; at most {most} are read.")
    try:
        # utf-8-sig: some editors put a mark in front
        return json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse
        )
    except UnicodeDecodeError as error:
        raise InvalidFormat(f"{name} is not UTF-8: byte {error.start} is invalid.") from None
    except InvalidFormat as error:
        raise InvalidFormat(f"{name}: {error.message}") from None
    except ValueError as error:
        raise InvalidFormat(f"{name} is not JSON: {str(error)[:200]}") from None
    except RecursionError:
        raise InvalidFormat(f"{name} is nested too deeply.") from None


def _complete(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill in what old files leave out; return the very object when nothing was missing."""
    model = data.get("model")
    if isinstance(model, Mapping) and "type" not in model:
        data = {**data, "model": {"type": _guess_model(model), **model}}
    absent = {key: value for key, value in _EMPTY.items() if key not in data}
    given = {key: None for key in ("truncation", "padding") if data.get(key) is not None}
    if absent or given:
        return {**_EMPTY, **data, **given}
    return data


def _guess_model(model: Mapping[str, Any]) -> str:
    """Name the model of a file that was written before models carried their type."""
    if "merges" in model:
        return "BPE"
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    if "continuing_subword_prefix" in model or "max_input_chars_per_word" in model:
        return "WordPiece"
    return "WordLevel"


def _dump(data: Mapping[str, Any], *, sort_keys: bool = False) -> bytes:
    text = json.dumps(
        dict(data), ensure_ascii=False, sort_keys=sort_keys, separators=(",", ":"), allow_nan=False
    )
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidFormat("A token holds half of a surrogate pair, which is no text.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidFormat(f"{twice!r:.80} is there twice.")
    return found


def _refuse(name: str) -> Any:
    raise InvalidFormat(f"{name} is no number.")
