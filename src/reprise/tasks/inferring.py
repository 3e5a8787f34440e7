"""Which task a repo is for, by what it says of itself."""

from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.formats import card
from reprise.models.config import Config, read_config
from reprise.models.families import family_of
from reprise.models.plan import make_plan
from reprise.models.spec import Frames, Mixed, Patches, Waves
from reprise.tasks.kinds import KINDS, is_task, kind_of

_MAX_CARD = 4 << 20
SENTENCES = "modules.json"  # of sentence-transformers


def infer(folder: Path, name: str) -> str:
    """Choose the task: what the card says, else what the configuration's head is made for.

    Raises:
        InvalidInput: Neither says it.
    """
    config = read_config(folder)
    fitting = fitting_tasks(config)
    stated = _stated(folder)
    if stated and is_task(stated) and (not fitting or kind_of(stated)[0] in fitting):
        return kind_of(stated)[0]
    if (folder / SENTENCES).is_file():
        return "sentence-similarity"
    if fitting:
        return fitting[0]
    shown = ", ".join(map(str, config.get("architectures") or ())) or "no architecture"
    raise InvalidInput(
        f"{name} does not say which task it is for: its configuration names {shown}.",
        hint=f"Name one of {', '.join(sorted(KINDS))}.",
    )


def fitting_tasks(config: Config) -> list[str]:
    """List tasks that a configuration's architectures can do, the likeliest first."""
    found: list[str] = []
    for architecture in config.get("architectures") or ():
        head = _head_of(str(architecture), config)
        found += [task for task, kind in KINDS.items() if head in kind.heads and task not in found]
    return [task for task in found if _suits(task, config)]


def _head_of(architecture: str, config: Config) -> str:
    """Cut the family's name off: `ForMaskedLM` of `BertForMaskedLM`."""
    try:
        family = family_of(config.model_type)
    except Exception:  # noqa: BLE001 - an unknown family is reported where the model is loaded
        return ""
    return architecture.removeprefix(family.prefix)


def _suits(task: str, config: Config) -> bool:
    """Tell whether the model reads what the task has: text, images, both or sound."""
    return KINDS[task].reads == read_by(config)


def read_by(config: Config) -> str:
    """Say what a model reads.

    Returns:
        text; sound; images; both (in two towers); captions (images to write of); or mixed (an image
        and a text in one row).
    """
    spec = make_plan(config).spec
    if spec.vision is not None:
        return "both" if spec.encoder is not None else "images"
    first = spec.encoder.input if spec.encoder else None
    known: dict[type, str] = {Frames: "sound", Waves: "sound", Patches: "captions", Mixed: "mixed"}
    return known.get(type(first), "text")


def _stated(folder: Path) -> str:
    """Read the card's `pipeline_tag`; a card that cannot be read says nothing."""
    path = folder / "README.md"
    if not path.is_file() or path.stat().st_size > _MAX_CARD:
        return ""
    try:
        data: dict[str, Any] = card.parse(path.read_text("utf-8", errors="replace")).data
    except InvalidFormat:
        return ""
    return str(data.get("pipeline_tag") or "")
