"""CTRL and XLM: vocab.json and merges.txt whose merges are applied in Python."""

from typing import Any

from reprise.tokenizers import templates
from reprise.tokenizers.legacy.bpe_files import read_merges, read_vocab
from reprise.tokenizers.legacy.recipe import Converted, Source, assemble
from reprise.tokenizers.templates import token_ids


def convert(source: Source) -> Converted:
    """Convert vocab.json and merges.txt, see `reprise.tokenizers.legacy.convert`."""
    frontend: dict[str, Any] = {"type": source.recipe, "merges": read_merges(source, "merges.txt")}
    if source.recipe == "xlm":
        frontend["lowercase"] = source.flag("do_lowercase_and_remove_accent", default=True)
    model = {
        "type": "WordLevel",
        "vocab": read_vocab(source, "vocab.json"),
        "unk_token": source.special("unk_token"),
    }
    spec = assemble(model, {"frontend": frontend}, source)
    if source.recipe != "xlm":
        return Converted(spec)
    start, end = source.special("bos_token"), source.special("sep_token")
    template = templates.bert(start, end, token_ids(spec))
    return Converted(spec.with_data(post_processor=template))
