"""Marian's files: source.spm and target.spm for the pieces, vocab.json for their ids."""

from base64 import b64encode
from typing import Any

from reprise.base.errors import EntryNotFound
from reprise.tokenizers import templates
from reprise.tokenizers.legacy.bpe_files import read_vocab
from reprise.tokenizers.legacy.recipe import Converted, Source, assemble
from reprise.tokenizers.legacy.sentencepiece import MAX_FILE, read
from reprise.tokenizers.templates import token_ids

_SIDES = ("source", "target")


def convert(source: Source) -> Converted:
    """Convert Marian's files, see `reprise.tokenizers.legacy.convert`."""
    frontend: dict[str, Any] = {"type": "marian", "side": "source"}
    for side in _SIDES:
        name = f"{side}.spm"
        if not source.folder.has(name):
            raise EntryNotFound(f"{source.folder.name} has no {name}.")
        data = source.folder.read(name, limit=MAX_FILE)
        read(data, f"{source.folder.name}: {name}")  # broken files are found here, not on use
        frontend[side] = b64encode(data).decode()
    model = {
        "type": "WordLevel",
        "vocab": read_vocab(source, "vocab.json"),
        "unk_token": source.special("unk_token"),
    }
    spec = assemble(model, {"frontend": frontend}, source)
    template = templates.around((), (source.special("eos_token"),), token_ids(spec))
    return Converted(spec.with_data(post_processor=template))
