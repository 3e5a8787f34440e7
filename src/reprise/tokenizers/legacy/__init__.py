"""Tokenizers as they were saved before tokenizer.json: each recipe turns files into a spec."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from reprise.tokenizers.family import Family
from reprise.tokenizers.folder import Folder
from reprise.tokenizers.legacy.recipe import Converted, Source
from reprise.tokenizers.spec import TokenizerSpec

# Recipe of a family -> module of this package whose `convert` knows it.
_RECIPES = {
    "wordpiece": "wordpiece",
    "byte_bpe": "bpe_files",
    "clip": "bpe_files",
    "openai": "bpe_files",
    "ctrl": "pieces",
    "xlm": "pieces",
    "transfo_xl": "transfo_xl",
    "spm": "spm",
    "llama": "ranks",
    "marian": "marian",
}
# What lies in a folder -> recipe, for families that have none or other files.
_BY_FILE = (
    ("vocab.txt", "wordpiece"),
    ("merges.txt", "byte_bpe"),
    ("tekken.json", "llama"),
    ("*.tiktoken", "llama"),
    ("*.model", "llama"),
)


def convert(
    folder: Folder, family: Family, settings: Mapping[str, Any]
) -> tuple[TokenizerSpec, Mapping[str, Any]] | None:
    """Convert the files in a folder.

    Returns:
        The spec, and configuration that the files hold; None when there is nothing to convert.

    Raises:
        InvalidFormat: A file is broken; the message names it.
    """
    recipe = _choose(folder, family)
    if recipe is None:
        return None
    module = import_module(f"reprise.tokenizers.legacy.{_RECIPES[recipe]}")
    found: Converted = module.convert(Source(folder, family, settings, recipe))
    return found.spec, found.config


def _choose(folder: Folder, family: Family) -> str | None:
    if folder.has("tekken.json"):
        return "llama"
    if family.recipe:
        return family.recipe
    return next((recipe for pattern, recipe in _BY_FILE if folder.matching(pattern)), None)
