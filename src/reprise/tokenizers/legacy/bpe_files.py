"""vocab.json and merges.txt: byte-level BPE (GPT-2 and heirs), CLIP and the first GPT."""

from collections.abc import Callable, Iterable
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers import templates
from reprise.tokenizers.legacy.recipe import Converted, Source, assemble
from reprise.tokenizers.spec import TokenizerSpec
from reprise.tokenizers.templates import token_ids

_WORD_END = "</w>"
_PAIR = 2


def convert(source: Source) -> Converted:
    """Convert vocab.json and merges.txt, see `reprise.tokenizers.legacy.convert`."""
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "",
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": read_vocab(source, "vocab.json"),
        "merges": read_merges(source, "merges.txt"),
    }
    changes, parts = _KINDS[source.recipe](source)
    spec = assemble({**model, **changes}, parts, source)
    return Converted(spec.with_data(post_processor=_template(source, spec)))


def read_vocab(source: Source, name: str) -> dict[str, Any]:
    """Read tokens and ids; the ids are checked with the rest of the spec."""
    vocab = source.folder.json(name)
    if not vocab:
        raise InvalidFormat(f"{source.folder.name}: {name} is missing or holds no tokens.")
    return vocab


def read_merges(source: Source, name: str) -> list[list[str]]:
    """Read merges, two parts a line, the first merge first.

    Raises:
        InvalidFormat: A line has another number of parts.
    """
    merges = []
    for number, line in enumerate(_lines(source.folder.text(name)), start=1):
        parts = line.split()
        if len(parts) < _PAIR or (number == 1 and line.startswith("#version")):
            continue
        if len(parts) > _PAIR and not parts[_PAIR].isdigit():  # some count their merges
            raise InvalidFormat(
                f"{source.folder.name}: line {number} of {name} has {len(parts)} parts, not two."
            )
        merges.append(parts[:_PAIR])
    return merges


def _lines(text: str) -> Iterable[str]:
    """Split at line feeds only: tokens may hold any other kind of space."""
    return text.split("\n")


def _byte_level(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    prefix = bool(source.flag("add_prefix_space", default=False))
    pattern = source.family.rules.get("pattern")
    normalizer = source.family.rules.get("normalizer")
    return {}, {
        "normalizer": {"type": normalizer} if normalizer else None,
        "pre_tokenizer": _cut(pattern, "Isolated", prefix=prefix) if pattern else _bytes(prefix),
        "decoder": _bytes(add_prefix_space=True),
    }


def _clip(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    spaces = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
    cut = _cut(source.family.rules["pattern"], "Removed", prefix=False)
    cut["pretokenizers"][0]["invert"] = True
    cut["pretokenizers"][1]["use_regex"] = True
    return {"end_of_word_suffix": _WORD_END, "unk_token": source.special("unk_token")}, {
        "normalizer": {
            "type": "Sequence",
            "normalizers": [{"type": "NFC"}, spaces, {"type": "Lowercase"}],
        },
        "pre_tokenizer": cut,
        "decoder": _bytes(add_prefix_space=True),
    }


def _openai(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"end_of_word_suffix": _WORD_END, "unk_token": source.special("unk_token")}, {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": {"type": "BPEDecoder", "suffix": _WORD_END},
    }


_KINDS: dict[str, Callable[[Source], tuple[dict[str, Any], dict[str, Any]]]] = {
    "byte_bpe": _byte_level,
    "clip": _clip,
    "openai": _openai,
}


def _bytes(add_prefix_space: bool, *, use_regex: bool = True) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": add_prefix_space,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def _cut(pattern: str, behavior: str, *, prefix: bool) -> dict[str, Any]:
    split = {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": behavior,
        "invert": False,
    }
    return {"type": "Sequence", "pretokenizers": [split, _bytes(prefix, use_regex=False)]}


def _template(source: Source, spec: TokenizerSpec) -> dict[str, Any] | None:
    ids, kind = token_ids(spec), source.family.rules.get("template")
    if source.recipe == "clip":
        return templates.roberta(
            source.special("bos_token"),
            source.special("eos_token"),
            ids,
            trim_offsets=False,
            add_prefix_space=False,
        )
    if kind == "bert":
        return templates.bert(source.special("cls_token"), source.special("sep_token"), ids)
    if kind == "roberta":
        return templates.roberta(
            source.special("cls_token"),
            source.special("sep_token"),
            ids,
            trim_offsets=bool(source.flag("trim_offsets", default=True)),
            add_prefix_space=bool(source.flag("add_prefix_space", default=False)),
        )
    if kind == "bos":
        return templates.bos_eos(source.special("bos_token"), None, ids)
    if source.recipe == "byte_bpe":
        return _bytes(add_prefix_space=True) | {"trim_offsets": False}
    return None
