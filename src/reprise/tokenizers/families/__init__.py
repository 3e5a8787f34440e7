"""The families, data only; one short file for those that share a recipe."""

from functools import cache

from reprise.tokenizers.families import (
    bert,
    byte_bpe,
    char_bpe,
    fairseq_spm,
    modern,
    sentencepiece,
    translation,
)
from reprise.tokenizers.family import GENERIC, Family

FAMILIES: tuple[Family, ...] = (
    *bert.FAMILIES,
    *byte_bpe.FAMILIES,
    *char_bpe.FAMILIES,
    *fairseq_spm.FAMILIES,
    *modern.FAMILIES,
    *sentencepiece.FAMILIES,
    *translation.FAMILIES,
)


def by_class(name: str) -> Family | None:
    """Return the family of a class name, with or without `Fast`."""
    return _classes().get(name.removesuffix("Fast")) or _classes().get(name)


def by_model_type(name: str) -> Family | None:
    """Return the family of a `model_type`."""
    return _model_types().get(name)


def class_names() -> tuple[str, ...]:
    """Return every class name that leads to a family."""
    return tuple(_classes())


@cache
def _classes() -> dict[str, Family]:
    return {name: family for family in (GENERIC, *FAMILIES) for name in family.classes}


@cache
def _model_types() -> dict[str, Family]:
    return {name: family for family in FAMILIES for name in family.model_types}
