"""Byte-level vocabularies written as ranks: tiktoken's base64 lines, and Mistral's tekken.json."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers.added import AddedToken, with_added
from reprise.tokenizers.checking import MAX_VOCAB
from reprise.tokenizers.legacy import spm
from reprise.tokenizers.legacy.byte_alphabet import as_text
from reprise.tokenizers.legacy.recipe import Converted, Source
from reprise.tokenizers.spec import TokenizerSpec
from reprise.tokenizers.templates import bos_eos, token_ids

# Llama 3's, which is cl100k's; what a file of ranks means unless somebody says otherwise.
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_MAX_TOKEN = 1024  # bytes
_TEKKEN = "tekken.json"
_NAMES = ("tokenizer.model", "tiktoken.model", "qwen.tiktoken")
_NAMED = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
Ranks = dict[bytes, int]


def convert(source: Source) -> Converted:
    """Convert what a folder holds: tekken.json, ranks, or a SentencePiece model."""
    if source.folder.has(_TEKKEN):
        return _tekken(source)
    name = source.folder.first(*_NAMES) or next(iter(source.folder.matching("*.tiktoken")), None)
    if name is None:
        return spm.convert(source)
    data = source.folder.read(name)
    if not looks_like_ranks(data):
        return spm.convert(source)
    ranks = read_ranks(data, f"{source.folder.name}: {name}")
    rules = source.family.rules
    pattern = source.settings.get("pattern") or rules.get("pattern") or _PATTERN
    return Converted(build(ranks, str(pattern)))


def looks_like_ranks(data: bytes) -> bool:
    """Tell whether a file holds lines of base64 and numbers, rather than a protocol buffer."""
    first, _, number = data[:_MAX_TOKEN].partition(b"\n")[0].partition(b" ")
    return bool(first) and number.strip().isdigit() and first.isascii() and 0 not in first


def read_ranks(data: bytes, name: str) -> Ranks:
    """Read lines of a token in base64 and its rank.

    Raises:
        InvalidFormat: A line is something else, or a token or rank is there twice.
    """
    ranks: Ranks = {}
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        text, _, rank = line.strip().partition(b" ")
        token = _decoded(text, f"{name}, line {number}")
        if not rank.isdigit() or len(rank) > len(str(MAX_VOCAB)):
            raise InvalidFormat(f"{name}, line {number}: {rank[:40]!r} is no rank.")
        if token in ranks:
            raise InvalidFormat(f"{name}, line {number}: the token is there twice.")
        ranks[token] = int(rank)
    _check_bytes(ranks, name)
    return ranks


def build(ranks: Ranks, pattern: str, specials: Iterable[str] = ()) -> TokenizerSpec:
    """Return the spec of ranked tokens.

    Args:
        ranks: Tokens with their ranks, from 0; the ids follow the special tokens.
        pattern: Pieces of text that tokens never cross.
        specials: Special tokens, which have the first ids.
    """
    listed = list(specials)
    vocab = {token: number for number, token in enumerate(listed)}
    vocab |= {as_text(token): rank + len(listed) for token, rank in ranks.items()}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    spec = TokenizerSpec(
        {
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": True,
                "vocab": vocab,
                "merges": merges_of(ranks),
            },
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [{**split, "invert": False}, _bytes(prefix=False)],
            },
            "decoder": _bytes(prefix=True),
            "post_processor": {**_bytes(prefix=True), "trim_offsets": False},
        }
    )
    tokens = [AddedToken(token, special=True, normalized=False) for token in listed]
    return with_added(spec, tokens)[0]


def merges_of(ranks: Ranks) -> list[list[str]]:
    """Return every pair of tokens that makes another, in the order of what it makes.

    tiktoken merges any two neighbours whose bytes together have a rank, so each way to cut a
    token is a merge of its own.
    """
    found: list[tuple[int, int, int, bytes, bytes]] = []
    for token, rank in ranks.items():
        for cut in range(1, len(token)):
            left, right = ranks.get(token[:cut]), ranks.get(token[cut:])
            if left is not None and right is not None:
                found.append((rank, left, right, token[:cut], token[cut:]))
    found.sort()
    return [[as_text(left), as_text(right)] for _, _, _, left, right in found]


def _tekken(source: Source) -> Converted:
    data = source.folder.json(_TEKKEN)
    name = f"{source.folder.name}: {_TEKKEN}"
    config, vocab = data.get("config"), data.get("vocab")
    if not isinstance(config, Mapping) or not isinstance(vocab, list):
        raise InvalidFormat(f"{name} has no config or no vocab.")
    pattern, count = config.get("pattern"), config.get("default_num_special_tokens")
    if not isinstance(pattern, str):
        raise InvalidFormat(f"{name} has no pattern.")
    specials = _tekken_specials(data.get("special_tokens"), count, name)
    size = config.get("default_vocab_size")
    kept = vocab[: size - len(specials)] if type(size) is int and size > len(specials) else vocab
    ranks: Ranks = {}
    for rank, entry in enumerate(kept):
        text = entry.get("token_bytes") if isinstance(entry, Mapping) else None
        if not isinstance(text, str):
            raise InvalidFormat(f"{name}: entry {rank} of the vocabulary has no bytes.")
        ranks[_decoded(text.encode(), f"{name}, entry {rank}")] = rank
    if len(ranks) != len(kept):
        raise InvalidFormat(f"{name} has a token twice.")
    _check_bytes(ranks, name)
    spec = build(ranks, pattern, specials)
    named = {key: token for key, token in _NAMED.items() if token in specials}
    if "<s>" in specials and source.flag("add_bos_token", default=True):
        spec = spec.with_data(post_processor=bos_eos("<s>", None, token_ids(spec)))
    return Converted(spec, {**named, "extra_special_tokens": specials})


def _tekken_specials(entries: Any, count: Any, name: str) -> list[str]:
    if not isinstance(entries, list):
        raise InvalidFormat(
            f"{name} has no special_tokens.",
            hint="The first tekken files left them out; convert them with mistral-common.",
        )
    found: dict[int, str] = {}
    for entry in entries:
        rank, text = (
            (entry.get("rank"), entry.get("token_str")) if isinstance(entry, dict) else (None, None)
        )
        if type(rank) is not int or not isinstance(text, str) or not text or rank in found:
            raise InvalidFormat(f"{name}: {entry!r:.80} is no special token.")
        found[rank] = text
    if sorted(found) != list(range(len(found))):
        raise InvalidFormat(f"{name}: the ranks of the special tokens have gaps.")
    total = count if type(count) is int and len(found) <= count <= MAX_VOCAB else len(found)
    return [found.get(rank, f"<SPECIAL_{rank}>") for rank in range(total)]


def _decoded(text: bytes, place: str) -> bytes:
    try:
        token = b64decode(text, validate=True)
    except (ValueError, Base64Error):
        raise InvalidFormat(f"{place}: {text[:40]!r} is not base64.") from None
    if not 0 < len(token) <= _MAX_TOKEN:
        raise InvalidFormat(f"{place}: a token has {len(token)} bytes.")
    return token


def _check_bytes(ranks: Ranks, name: str) -> None:
    if len(ranks) > MAX_VOCAB:
        raise InvalidFormat(f"{name} has over {MAX_VOCAB} tokens.")
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing:
        raise InvalidFormat(f"{name} has no token for byte {missing[0]}; every byte needs one.")


def _bytes(*, prefix: bool) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": prefix,
        "trim_offsets": True,
        "use_regex": False,
    }
