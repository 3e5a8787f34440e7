"""Read Keras weights in HDF5 (`tf_model.h5`), with h5py."""

from functools import partial
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, NotSupported
from reprise.base.optional import require
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.dtypes import NUMPY
from reprise.models.weights.mapped import MappedFile
from reprise.models.weights.stored import Place, StoredTensor, in_file

_DTYPES = {spelling.lstrip("<|"): dtype for dtype, spelling in NUMPY.items()}
_WHOLE_MODEL = "model_weights/"
_NO_WEIGHTS = ("optimizer_weights/", "optimizer/")
# What is stored packed may unpack to this many times its size, or to a little in any case.
_MAX_RATIO = 64
_LITTLE = 16 << 20  # bytes


def open_h5(path: Path) -> Checkpoint:
    """Open an HDF5 file of Keras weights. Names are the variables', without the `:0`.

    Raises:
        MissingExtra: h5py is not installed.
        InvalidFormat: The file is damaged, or unpacks to far more than it holds.
        NotSupported: It points into other files.
    """
    h5py = require("h5py", extra="convert")
    file = MappedFile(path)
    datasets: list[tuple[str, Any]] = []
    try:
        with h5py.File(path, "r") as opened:
            opened.visititems(lambda name, item: _collect(h5py, datasets, name, item))
            described = [_described(file, opened, name, item) for name, item in datasets]
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        what = str(error)[:200]
        raise InvalidFormat(f"{path.name} cannot be read as HDF5 ({what}).") from None
    tensors: dict[str, StoredTensor] = {}
    for tensor in described:
        first = tensors.setdefault(tensor.name, tensor)
        if first is not tensor and not _same(first, tensor):
            raise InvalidFormat(f"{path.name} has two variables called {tensor.name[:80]!r}.")
    return Checkpoint("h5", (path,), tensors)


def _same(one: StoredTensor, other: StoredTensor) -> bool:
    """Tell whether two are alike: Keras stores a variable once for each layer that shares it."""
    kinds = [(tensor.dtype, tensor.shape) for tensor in (one, other)]
    return kinds[0] == kinds[1] and one.buffer() == other.buffer()


def _collect(h5py: Any, found: list[tuple[str, Any]], name: str, item: Any) -> None:
    if isinstance(item, h5py.Dataset) and not name.startswith(_NO_WEIGHTS):
        found.append((name, item))


def _described(file: MappedFile, opened: Any, path: str, dataset: Any) -> StoredTensor:
    name = _variable(opened, path)
    dtype = _DTYPES.get(dataset.dtype.str.lstrip("<>|="))
    if dataset.is_virtual or dataset.external:
        raise NotSupported(f"{file.path.name}: {path[:80]!r} lies in another file.")
    if dtype is None or dataset.shape is None:
        raise NotSupported(f"{file.path.name}: {path[:80]!r} holds no plain numbers.")
    shape = tuple(int(size) for size in dataset.shape)
    offset = dataset.id.get_offset()
    if offset is not None and dataset.dtype.byteorder in "<=|":
        return in_file(name, dtype, shape, Place(file, int(offset), int(dataset.nbytes)))
    if dataset.nbytes > max(_LITTLE, _MAX_RATIO * dataset.id.get_storage_size()):
        raise InvalidFormat(
            f"{file.path.name}: {path[:80]!r} would unpack to {dataset.nbytes} bytes, "
            f"more than {_MAX_RATIO} times what is stored."
        )
    return StoredTensor(name, dtype, shape, produce=partial(_read, file.path, path, dtype))


def _variable(opened: Any, path: str) -> str:
    """Name a variable: Keras puts each layer's into a group called after the layer."""
    name = path.removeprefix(_WHOLE_MODEL)
    first, _, rest = name.partition("/")
    group = opened[path[: len(path) - len(name)] + first]
    if rest and any(key.startswith("weight_names") for key in group.attrs):
        name = rest
    return name.removesuffix(":0")


def _read(file: Path, path: str, dtype: str) -> memoryview:
    h5py = require("h5py", extra="convert")
    try:
        with h5py.File(file, "r") as opened:
            array = opened[path][()].astype(NUMPY[dtype])
    except (OSError, RuntimeError, KeyError) as error:
        raise InvalidFormat(f"{file.name}: {path!r} cannot be read ({str(error)[:200]}).") from None
    return memoryview(array.tobytes())
