"""Find the weights in a folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import InvalidFormat, NotFound

# In this order, the first that is there wins. Each may be one file or shards with an index.
_NAMES = (
    ("safetensors", "model.safetensors"),
    ("torch", "pytorch_model.bin"),
    ("torch", "consolidated.00.pth"),
    ("h5", "tf_model.h5"),
    ("flax", "flax_model.msgpack"),
)
# Often a path on the machine that wrote it: only the name counts.
_LATEST = re.compile(r'^model_checkpoint_path: "(?:[^"]*[/\\])?([^"/\\]+)"', re.MULTILINE)
_MAX_STATE = 1 << 20  # bytes of TensorFlow's `checkpoint` file
LOOKED_FOR = (
    "model.safetensors, pytorch_model.bin, consolidated.00.pth, tf_model.h5, flax_model.msgpack "
    "(each also with .index.json), *.ckpt.index of TensorFlow, *.gguf"
)


@dataclass(frozen=True)
class Found:
    """Weights in a folder.

    Attributes:
        format: safetensors, torch, tensorflow, h5, flax or gguf.
        path: The file; for shards the `.index.json`, for TensorFlow the `.index`.
        sharded: Whether `path` lists shards.
    """

    format: str
    path: Path
    sharded: bool = False


def find_checkpoint(folder: Path) -> Found:
    """Find the weights in a folder: safetensors first, then what needs conversion.

    Raises:
        NotFound: There are none; the message names what was looked for.
        InvalidFormat: There are several and nothing says which is meant.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {str(folder)!r}.")
    for found in _candidates(folder):
        return found
    raise NotFound(
        f"{str(folder)!r} has no weights. Looked for: {LOOKED_FOR}.",
        hint=f"It has: {', '.join(sorted(p.name for p in folder.iterdir())[:10]) or 'nothing'}.",
    )


def _candidates(folder: Path) -> Iterator[Found]:
    for form, name in _NAMES:
        if (folder / name).is_file():
            _check_alone(folder, name)
            yield Found(form, folder / name)
        index = folder / f"{name}.index.json"
        if index.is_file():
            yield Found(form, index, sharded=True)
    yield from _of_tensorflow(folder)
    yield from _only(folder, "gguf", "*.gguf")


def _check_alone(folder: Path, name: str) -> None:
    second = name.replace(".00.", ".01.")
    if second != name and (folder / second).is_file():
        raise InvalidFormat(
            f"{str(folder)!r} has weights cut for several processes ({name}, {second}, ...). "
            "Merge them into one file first."
        )


def _of_tensorflow(folder: Path) -> Iterator[Found]:
    """Follow the `checkpoint` file that names the newest, else take the only one."""
    state = folder / "checkpoint"
    if state.is_file() and state.stat().st_size <= _MAX_STATE:
        latest = _LATEST.search(state.read_text("utf-8", "replace"))
        if latest and (folder / f"{latest[1]}.index").is_file():
            yield Found("tensorflow", folder / f"{latest[1]}.index")
    yield from _only(folder, "tensorflow", "*.index")


def _only(folder: Path, form: str, pattern: str) -> Iterator[Found]:
    paths = sorted(folder.glob(pattern))
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths[:8])
        raise InvalidFormat(
            f"{str(folder)!r} has several weights: {names}. Name the file you mean."
        )
    yield from (Found(form, path) for path in paths)
