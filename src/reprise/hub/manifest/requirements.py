"""What the repo's own requirement files ask for: requirements.txt, environment.yml, pyproject."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.hub.manifest.distributions import normal
from reprise.hub.manifest.sources import Unreadable, read_text
from reprise.hub.manifest.tree import Tree

_MAX_DEPTH = 4  # of files that include files
_MAX_LINES = 2_000
# Conda's names for what the package index calls otherwise.
_CONDA = {
    "faiss-gpu": "faiss-cpu",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
}
_CONDA_SKIPPED = frozenset({"pip", "python", "cudatoolkit", "pytorch-cuda", "cudnn", "mkl"})
_CONDA_SPEC = re.compile(r"(?:\S+::)?([A-Za-z0-9_.-]+)\s*([=<>!~].*)?")


@dataclass(frozen=True)
class Requirement:
    """One distribution that a requirement file names.

    Attributes:
        name: As written.
        specifier: Versions, `==0.6.12`, or an address after `@`; often empty.
        where: `file` or `file:line`.
    """

    name: str
    specifier: str
    where: str


def read_requirements(tree: Tree) -> dict[str, Requirement]:
    """Return what the files ask for by normal distribution name; the first mention counts."""
    files = tree.entries(tree.root)
    found: dict[str, Requirement] = {}
    readers = {
        "requirements.txt": _requirements_txt,
        "pyproject.toml": _pyproject,
        "environment.yml": _environment,
        "environment.yaml": _environment,
    }
    for name, read in readers.items():
        if files.get(name) is not False:
            continue
        for item in read(tree, name):
            found.setdefault(normal(item.name), item)
    return found


def _text(tree: Tree, name: str) -> str:
    try:
        return read_text(Path(tree.root) / name)
    except Unreadable:
        return ""


def _requirements_txt(
    tree: Tree, name: str, seen: frozenset[str] = frozenset()
) -> Iterator[Requirement]:
    included = set(seen) | {name}
    lines = _text(tree, name).replace("\\\n", " ").split("\n")[:_MAX_LINES]
    for number, line in enumerate(lines, 1):
        text = line.partition(" #")[0].strip()
        if text.startswith(("-r ", "--requirement ")) and len(seen) < _MAX_DEPTH:
            inner = str(Path(name).parent / text.split(maxsplit=1)[1].strip())
            if inner not in included and _is_inside(tree, inner):
                included.add(inner)
                yield from _requirements_txt(tree, inner, frozenset(included))
        elif text and not text.startswith(("#", "-")):
            yield from _parsed(text, f"{name}:{number}")


def _is_inside(tree: Tree, name: str) -> bool:
    path = Path(tree.root) / name
    if ".." in path.parts:
        return False
    return tree.entries(str(path.parent)).get(path.name) is False


def _parsed(text: str, where: str) -> Iterator[Requirement]:
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    try:
        item = Parsed(text.partition(" --hash")[0].strip())
        if item.marker is not None and not item.marker.evaluate():
            return
    except (InvalidRequirement, ValueError, RecursionError):
        return
    except Exception as error:  # noqa: BLE001 - packaging's marker errors have no common root
        del error
        return
    specifier = f" @ {item.url}" if item.url else str(item.specifier)
    yield Requirement(item.name, specifier, where)


def _pyproject(tree: Tree, name: str) -> Iterator[Requirement]:
    import tomllib

    try:
        data: Any = tomllib.loads(_text(tree, name))
    except (ValueError, RecursionError):
        return
    project = _table(data, "project")
    yield from _all_parsed(project.get("dependencies"), name)
    poetry = _table(_table(_table(data, "tool"), "poetry"), "dependencies")
    for key in poetry:
        if key != "python":
            yield from _parsed(key, name)


def _environment(tree: Tree, name: str) -> Iterator[Requirement]:
    import yaml

    try:
        data = yaml.safe_load(_text(tree, name))
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    items = data.get("dependencies") if isinstance(data, dict) else None
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            yield from _all_parsed(item.get("pip"), name)
        elif isinstance(item, str):
            yield from _from_conda(item, name)


def _from_conda(text: str, where: str) -> Iterator[Requirement]:
    match = _CONDA_SPEC.fullmatch(text.strip())
    if match is None or match[1].lower() in _CONDA_SKIPPED:
        return
    name = _CONDA.get(match[1].lower(), match[1])
    version = (match[2] or "").strip()
    if version.startswith("=") and not version.startswith("=="):
        number = version[1:].partition("=")[0].rstrip(".*")  # without the build
        version = f"=={number}.*" if number else ""
    yield from _parsed(f"{name}{version}", where)


def _all_parsed(items: object, where: str) -> Iterator[Requirement]:
    texts: Iterable[object] = items if isinstance(items, list) else []
    for text in texts:
        if isinstance(text, str):
            yield from _parsed(text, where)


def _table(value: Any, key: str) -> dict[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}
