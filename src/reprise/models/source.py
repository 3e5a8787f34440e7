"""Where a model's files are: a folder on this machine, or the few that are needed from a hub."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from reprise.base.errors import EntryNotFound
from reprise.base.ids import check_path, is_commit
from reprise.models.config import FILE_NAME

PACKED = "packed.safetensors"  # what `reprise quantize` writes: nobody else can read it
_SETTINGS = (FILE_NAME, "generation_config.json")
# One kind of weights after the other: the first that a repo has is all that is fetched.
_WEIGHTS = (
    (
        "model.safetensors",
        "model-?????-of-?????.safetensors",
        "model.safetensors.index.json",
        PACKED,
    ),
    ("pytorch_model.bin", "pytorch_model-?????-of-?????.bin", "pytorch_model.bin.index.json"),
    ("tf_model.h5", "tf_model-*.h5", "tf_model.h5.index.json"),
    ("flax_model.msgpack", "flax_model-*.msgpack", "flax_model.msgpack.index.json"),
    ("*.ckpt.index", "*.ckpt.data-*", "*.ckpt-*.index", "*.ckpt-*.data-*", "checkpoint"),
    ("*.gguf",),
)


@dataclass(frozen=True)
class Source:
    """A folder with a model's files.

    Attributes:
        folder: Where they are.
        name: As the caller wrote it, for messages.
        commit: Which commit of the repo; empty for a folder of the caller's own.
    """

    folder: Path
    name: str
    commit: str = ""


def locate(name_or_path: str | PathLike[str], *, revision: str = "", subfolder: str = "",
           weights: bool = True, **hub: Any) -> Source:  # fmt: skip
    """Find a model's files; what is on a hub is fetched into the shared cache first.

    Args:
        name_or_path: A folder, or a repo as `reprise.download` takes it.
        revision: Branch, tag or commit, when the name does not say it.
        subfolder: Folder inside it that holds the model.
        weights: Whether weights are wanted; otherwise the configuration is enough.
        **hub: `endpoint`, `token`, `offline`.

    Raises:
        EntryNotFound: It holds no configuration, or no weights.
        RepriseError: The repo cannot be had, see `reprise.download`.
    """
    name, below = str(name_or_path), check_path(subfolder) if subfolder else ""
    if Path(name).expanduser().is_dir():
        return Source(Path(name).expanduser() / below, name)
    root = _fetch(_address(name, revision), _within(below, _SETTINGS), hub)
    commit = root.name if is_commit(root.name) else ""
    if weights:
        root = _fetch_weights(_address(name, commit or revision), below, hub)
    return Source(root / below, name, commit)


def _address(name: str, revision: str) -> str:
    if not revision or "@" in name:
        return name
    return f"{name}@{revision}" if is_commit(revision) else f"{name}:{revision}"


def _within(below: str, patterns: tuple[str, ...]) -> list[str]:
    return [f"{below}/{pattern}" if below else pattern for pattern in patterns]


def _fetch(address: str, patterns: list[str], hub: dict[str, Any]) -> Path:
    from reprise.hub.picking import fetch_matching

    return fetch_matching(address, patterns, **hub)


def _fetch_weights(address: str, below: str, hub: dict[str, Any]) -> Path:
    for patterns in _WEIGHTS:
        try:
            return _fetch(address, _within(below, patterns), hub)
        except EntryNotFound:
            continue
    raise EntryNotFound(
        f"{address} has no weights that can be read: safetensors, torch, TensorFlow, Flax or GGUF."
    )
