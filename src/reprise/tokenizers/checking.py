"""What a tokenizer's data must be before an engine sees it: known parts, sane ids and sizes."""

from collections.abc import Iterable, Mapping, Set
from itertools import chain
from typing import Any

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.tokenizers.amplifying import check_amplifying

MAX_VOCAB = 1 << 20  # tokens, and the highest id; the largest in use, XLM-V, has 901,629
MAX_ADDED = 1 << 17
_MAX_TEXT = 1 << 16  # characters of one token, pattern or replacement
_MAX_DEPTH = 16  # of sequences in sequences
_PARTS = {
    "normalizer": frozenset(
        "BertNormalizer NFC NFD NFKC NFKD Lowercase Strip StripAccents Replace Prepend Precompiled "
        "Nmt ByteLevel Sequence".split()
    ),
    "pre_tokenizer": frozenset(
        "ByteLevel BertPreTokenizer Metaspace Split Whitespace WhitespaceSplit Digits Punctuation "
        "Delimiter CharDelimiterSplit UnicodeScripts FixedLength Sequence".split()
    ),
    "post_processor": frozenset(
        "TemplateProcessing BertProcessing RobertaProcessing ByteLevel Sequence".split()
    ),
    "decoder": frozenset(
        "ByteLevel WordPiece Metaspace BPEDecoder ByteFallback Fuse Strip Replace CTC Sequence "
        "DecodeStream".split()
    ),
}
_MODELS = frozenset("BPE WordPiece Unigram WordLevel".split())
_LISTS = ("normalizers", "pretokenizers", "processors", "decoders")
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
# Long replacements multiply a text; an honest one is a few characters.
_MAX_REPLACEMENT = 256
_MAX_PATTERN = 1 << 14  # a second to compile at four times that
_CALLS = "\\g"  # groups that call groups double at each level; no tokenizer in use has them


def check(data: Mapping[str, Any], known: Set[int] | None = None) -> Set[int]:
    """Check the content of a tokenizer.json; return the ids of its model.

    Args:
        data: The content.
        known: What this returned for the very same model before: checking that takes longest.

    Raises:
        InvalidFormat: A part is unknown or malformed, or ids contradict each other.
        TooLarge: More tokens, or larger ones, than any honest tokenizer has.
    """
    model = data.get("model")
    if not isinstance(model, Mapping):
        raise InvalidFormat("The tokenizer has no model.", hint="Is this a tokenizer.json?")
    ids = _model_ids(model) if known is None else known
    added = _added_ids(data.get("added_tokens"))
    for name in _PARTS:
        _check_part(name, data.get(name), 0)
    check_amplifying(data)
    _check_template_ids(data.get("post_processor"), (ids, added))
    if "frontend" in data and not isinstance(data["frontend"], Mapping):
        raise InvalidFormat("The front end must be an object.")
    return ids


def _model_ids(model: Mapping[str, Any]) -> set[int]:
    kind = model.get("type")
    if not isinstance(kind, str) or kind not in _MODELS:
        raise InvalidFormat(f"Unknown model {kind!r:.80}; known are {', '.join(sorted(_MODELS))}.")
    vocab = model.get("vocab")
    if kind == "Unigram":
        return _unigram_ids(vocab, model.get("unk_id"))
    if not isinstance(vocab, Mapping):
        raise InvalidFormat(f"The vocabulary of {kind} must be an object of tokens and ids.")
    if kind == "BPE":
        _check_merges(model.get("merges"), model.get("continuing_subword_prefix"))
    _check_size(len(vocab))
    return _unique_ids(vocab.values(), "the vocabulary")


def _unigram_ids(vocab: Any, unknown: Any) -> set[int]:
    if not isinstance(vocab, list) or not vocab:
        raise InvalidFormat("The vocabulary of Unigram must be a list of tokens with scores.")
    _check_size(len(vocab))
    for index, entry in enumerate(vocab):
        if not (
            isinstance(entry, list | tuple)
            and len(entry) == 2  # noqa: PLR2004 - a token and its score
            and isinstance(entry[0], str)
            and isinstance(entry[1], int | float)
        ):
            raise InvalidFormat(f"Entry {index} of the vocabulary is no token with a score.")
    if unknown is not None and not (_is_id(unknown) and unknown < len(vocab)):
        raise InvalidFormat(f"unk_id is {unknown!r:.80}, outside a vocabulary of {len(vocab)}.")
    return set(range(len(vocab)))


def _check_merges(merges: Any, prefix: Any) -> None:
    if not isinstance(merges, list):
        raise InvalidFormat("The merges of BPE must be a list.")
    _check_size(len(merges))
    if not prefix:
        return
    wrong = next((merge for merge in merges if not _continues(merge, prefix)), None)
    if wrong is not None:
        # the library cuts the prefix off without looking, which can end the process
        raise InvalidFormat(f"Merge {wrong!r:.80} continues a word without {prefix!r:.40}.")


def _continues(merge: Any, prefix: Any) -> bool:
    right = merge.partition(" ")[2] if isinstance(merge, str) else None
    if isinstance(merge, list) and merge:
        right = merge[-1]
    return isinstance(prefix, str) and isinstance(right, str) and right.startswith(prefix)


def _added_ids(added: Any) -> set[int]:
    if not isinstance(added, list):
        raise InvalidFormat("added_tokens must be a list.")
    if len(added) > MAX_ADDED:
        raise TooLarge(f"The tokenizer has {len(added)} added tokens; at most {MAX_ADDED} are.")
    contents = set()
    for index, token in enumerate(added):
        if not isinstance(token, Mapping) or not _is_token(token.get("content")):
            raise InvalidFormat(f"Entry {index} of added_tokens has no content.")
        if any(not isinstance(token.get(flag, False), bool) for flag in _FLAGS):
            raise InvalidFormat(f"A flag of added token {token['content']!r:.80} is not a boolean.")
        if token["content"] in contents:
            raise InvalidFormat(f"Added token {token['content']!r:.80} is there twice.")
        contents.add(token["content"])
    return _unique_ids((token.get("id") for token in added), "added_tokens")


def _unique_ids(values: Iterable[Any], place: str) -> set[int]:
    listed = list(values)
    if not set(map(type, listed)) <= {int}:
        wrong = next(value for value in listed if type(value) is not int)
        raise InvalidFormat(f"In {place}, {wrong!r:.80} is no id.")
    ids = set(listed)
    if len(ids) != len(listed):
        seen: set[int] = set()
        twice = next(value for value in listed if value in seen or seen.add(value))  # type: ignore[func-returns-value]
        raise InvalidFormat(f"In {place}, two tokens have id {twice}.")
    if ids and not (min(ids) >= 0 and max(ids) < MAX_VOCAB):
        wrong = min(ids) if min(ids) < 0 else max(ids)
        raise InvalidFormat(f"In {place}, id {wrong} is outside 0 to {MAX_VOCAB - 1}.")
    return ids


def _check_part(name: str, part: Any, depth: int) -> None:
    if part is None:
        return
    kind = part.get("type") if isinstance(part, Mapping) else part
    if not isinstance(part, Mapping) or not isinstance(kind, str) or kind not in _PARTS[name]:
        raise InvalidFormat(f"Unknown {name} {kind!r:.80}.")
    if depth > _MAX_DEPTH:
        raise InvalidFormat(f"The {name} is nested more than {_MAX_DEPTH} deep.")
    for value in part.values():
        if isinstance(value, str) and part["type"] != "Precompiled":
            _check_text(name, value, _MAX_TEXT)
    _check_pattern(name, part.get("pattern"))
    for key in ("content", "prepend"):
        if isinstance(part.get(key), str):
            _check_text(name, part[key], _MAX_REPLACEMENT)
    if part["type"] == "FixedLength" and not _is_positive(part.get("length")):
        raise InvalidFormat(f"The length of FixedLength is {part.get('length')!r:.80}.")
    _check_steps(name, part, depth)


def _check_pattern(name: str, pattern: Any) -> None:
    for text in pattern.values() if isinstance(pattern, Mapping) else ():
        if isinstance(text, str):
            _check_text(name, text, _MAX_PATTERN)
    regex = pattern.get("Regex") if isinstance(pattern, Mapping) else None
    if isinstance(regex, str) and _CALLS in regex:
        raise InvalidFormat(f"A pattern of the {name} calls itself or its groups by {_CALLS}.")


def _check_steps(name: str, part: Mapping[str, Any], depth: int) -> None:
    inner = [part[key] for key in _LISTS if key in part]
    if any(not isinstance(steps, list) for steps in inner):
        raise InvalidFormat(f"The steps of a {name} sequence must be a list.")
    for step in chain.from_iterable(inner):
        _check_part(name, step, depth + 1)


def _check_template_ids(part: Any, ids: tuple[Set[int], Set[int]]) -> None:
    """Check that what a template inserts exists: a model would fail far from here otherwise."""
    if part is None:
        return
    for step in part.get("processors", []):
        _check_template_ids(step, ids)
    inserted: list[Any] = [part[key][1] for key in ("sep", "cls") if _is_pair(part.get(key))]
    tokens = part.get("special_tokens") if part["type"] == "TemplateProcessing" else None
    for entry in tokens.values() if isinstance(tokens, Mapping) else ():
        inserted += entry.get("ids", []) if isinstance(entry, Mapping) else []
    for token_id in inserted:
        if type(token_id) is not int or not any(token_id in some for some in ids):
            raise InvalidFormat(f"The template inserts id {token_id!r:.80}, which no token has.")


def _check_size(count: int) -> None:
    if count > MAX_VOCAB:
        raise TooLarge(f"The vocabulary has {count} entries; at most {MAX_VOCAB} are read.")


def _check_text(name: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise TooLarge(f"A text in the {name} has {len(text)} characters; {limit} are allowed.")


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT


def _is_id(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_positive(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2  # noqa: PLR2004 - token and id
