"""vocab.txt: one token a line, its number is its id."""

from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers import templates
from reprise.tokenizers.legacy.recipe import Converted, Source, assemble
from reprise.tokenizers.templates import token_ids

_FILE = "vocab.txt"
_MAX_WORD = 100  # characters; longer words are unknown, as in the original
_PREFIX = "##"


def convert(source: Source) -> Converted:
    """Convert vocab.txt, see `reprise.tokenizers.legacy.convert`."""
    vocab = read_vocab(source.folder.text(_FILE), f"{source.folder.name}: {_FILE}")
    model = {
        "type": "WordPiece",
        "unk_token": source.special("unk_token"),
        "continuing_subword_prefix": _PREFIX,
        "max_input_chars_per_word": _MAX_WORD,
        "vocab": vocab,
    }
    parts = {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": source.flag("tokenize_chinese_chars", default=True),
            "strip_accents": source.flag("strip_accents", default=None),
            "lowercase": source.flag("do_lower_case", default=True),
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": {"type": "WordPiece", "prefix": _PREFIX, "cleanup": True},
    }
    spec = assemble(model, parts, source)
    return Converted(spec.with_data(post_processor=_template(source, token_ids(spec))))


def read_vocab(text: str, name: str) -> dict[str, int]:
    """Read tokens, one a line; a line that comes again keeps its later number.

    Raises:
        InvalidFormat: There are none.
    """
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    vocab = {line.removesuffix("\r"): number for number, line in enumerate(lines)}
    if not any(vocab):
        raise InvalidFormat(f"{name} holds no tokens.")
    return vocab


def _template(source: Source, ids: templates.Ids) -> dict[str, Any]:
    cls, sep = source.special("cls_token"), source.special("sep_token")
    rules = source.family.rules
    if rules.get("template") == "roberta":
        return templates.roberta(cls, sep, ids, trim_offsets=True, add_prefix_space=False)
    return templates.bert(cls, sep, ids, cls_type_id=rules.get("cls_type_id", 0))
