"""The families: which file declares a model type. A file is read when its type is first used."""

from importlib import import_module

from reprise.base.errors import NotSupported
from reprise.models.family import Family

# model type -> file of this folder
FILES = {
    "bert": "bert",
    "gpt2": "gpt",
    "llama": "llama",
    "t5": "t5",
    "bart": "fairseq",
}
_registered: dict[str, Family] = {}


def family_of(model_type: str) -> Family:
    """Find the family of a model type.

    Raises:
        NotSupported: No family declares it.
    """
    if model_type in _registered:
        return _registered[model_type]
    if model_type not in FILES:
        raise NotSupported(
            f"No family here declares the model type {model_type!r}. Known: "
            f"{', '.join(sorted(FILES))}.",
            hint="A family of your own can be added with reprise.models.register(family).",
        )
    module = import_module(f"{__name__}.{FILES[model_type]}")
    found: Family = module.FAMILIES[model_type]
    return found


def register(family: Family) -> None:
    """Add a family of your own, or put one in the place of ours, for this process."""
    _registered[family.model_type] = family


def model_types() -> list[str]:
    """List every model type, sorted."""
    return sorted({*FILES, *_registered})
