"""What a repo's code has to find installed: which lines, and which place asks for each.

    `dependencies` in hubconf.py, imports of the code, the repo's requirement files, and the card's
    `requirements`

together have to be satisfied by one choice of versions. When there is none, the error names the
places that disagree.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.errors import IncompatibleDependencies, InvalidFormat, InvalidInput
from reprise.formats import card
from reprise.hub.manifest import Manifest
from reprise.hub.manifest.distributions import is_standard, normal

CARD = "README.md"
FIELD = "requirements"  # of a card
_MAX_CARD = 1 << 20  # bytes
_MAX_PINS = 200
_MAX_SHOWN = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Wanted:
    """One line that an installer has to satisfy.

    Attributes:
        line: A name with versions: `timm==0.6.12`.
        origin: Who says so: `requirements.txt:3`.
        needed: False for a line that only limits the version of what is needed anyway.
    """

    line: str
    origin: str
    needed: bool = True

    @property
    def name(self) -> str:
        """The distribution, in the form that is compared."""
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            return normal(Requirement(self.line).name)
        except InvalidRequirement:
            return self.line


def wanted(folder: Path, manifest: Manifest) -> tuple[Wanted, ...]:
    """List what the repo in a folder asks for, from all places. Nothing of it is run.

    Args:
        folder: Where `hubconf.py` is.
        manifest: What `read_manifest` said about it.
    """
    from reprise.hub.manifest.requirements import read_requirements
    from reprise.hub.manifest.tree import open_tree

    found = [*_imported(manifest)]
    needed = {item.name for item in found}
    for line in read_requirements(open_tree(folder, None)).values():
        name = normal(line.name)
        if name in needed:
            found.append(Wanted(f"{line.name}{line.specifier}", line.where))
        elif line.specifier and not line.specifier.startswith(" @") and not is_standard(name):
            found.append(Wanted(f"{line.name}{line.specifier}", line.where, needed=False))
    return (*found, *_pinned(folder))


def lines(found: Iterable[Wanted]) -> tuple[str, ...]:
    """Return what has to be installed, sorted."""
    return tuple(sorted({item.line for item in found if item.needed}))


def limits(found: Iterable[Wanted]) -> tuple[str, ...]:
    """Return what only limits versions, sorted."""
    return tuple(sorted({item.line for item in found if not item.needed}))


@contextmanager
def explained(found: Sequence[Wanted]) -> Iterator[None]:
    """Say of an error about requirements which place asks for each line that it is about."""
    try:
        yield
    except IncompatibleDependencies as error:
        error.hint = f"{error.hint}\n{origins(found, error.hint)}".strip()
        raise
    except InvalidInput as error:
        quoted = (item for item in found if repr(item.line[:80]) in error.message)
        named = (item for item in found if "@" in item.line and item.name in error.message)
        for item in [*named, *quoted][:1]:
            error.hint = f"{error.hint}\n{item.line} comes from {item.origin}.".strip()
        raise


def origins(found: Sequence[Wanted], about: str) -> str:
    """List the lines that a text is about, each with the places that ask for it."""
    words = set(_words(about))
    concerned = [item for item in found if item.name in words] or list(found)
    places: dict[str, list[str]] = {}
    for item in concerned:
        places.setdefault(item.line, []).append(item.origin)
    rows = [f"  {line}: {', '.join(places[line])}" for line in sorted(places)[:_MAX_SHOWN]]
    return "\n".join(["What is asked for, and where:", *rows])


def card_requirements(data: Any) -> tuple[str, ...]:
    """Return the lines of a card's field `requirements`; what is none is left out."""
    value = data.get(FIELD) if isinstance(data, dict) else None
    items = value if isinstance(value, list) else [value]
    return tuple(item.strip() for item in items[:_MAX_PINS] if isinstance(item, str) and item)


def _imported(manifest: Manifest) -> Iterator[Wanted]:
    for item in manifest.dependencies:
        if is_standard(item.import_name):
            continue
        if item.declared:
            yield Wanted(item.distribution, "`dependencies` in hubconf.py")
        if item.inferred and (item.declared or not item.optional) and item.where:
            yield Wanted(item.distribution, f"{item.where[0]} imports {item.import_name}")


def _pinned(folder: Path) -> Iterator[Wanted]:
    try:
        with (folder / CARD).open("rb") as file:
            text = file.read(_MAX_CARD).decode("utf-8", "replace")
        data = card.parse(text).data
    except (OSError, InvalidFormat):
        return  # checks of the card say what is wrong with it
    for line in card_requirements(data):
        yield Wanted(line, f"`{FIELD}` in {CARD}")


def _words(text: str) -> Iterator[str]:
    """Yield the names in what an installer says, in the form that is compared."""
    for found in _NAME.findall(text):
        yield normal(found.rstrip("._-"))
