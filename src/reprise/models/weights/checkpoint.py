"""A checkpoint: tensors by name, whatever file format they lie in."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reprise.models.weights.stored import StoredTensor


class Checkpoint(Mapping[str, StoredTensor]):
    """Named tensors of one or several files, in the order of their names; none is read yet.

    Closing forgets the files. Tensors and arrays taken before stay valid: a file is unmapped when
    the last view of it is gone.

    Attributes:
        format: safetensors, torch, tensorflow, h5, flax or gguf.
        files: The files that hold the tensors.
        metadata: What else the files say; what it holds depends on the format.
    """

    def __init__(
        self,
        format: str,  # noqa: A002 - what it is
        files: tuple[Path, ...],
        tensors: Mapping[str, StoredTensor],
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.format = format
        self.files = files
        self.metadata: Mapping[str, Any] = dict(metadata or {})
        self._tensors = {name: tensors[name] for name in sorted(tensors)}

    def __getitem__(self, name: str) -> StoredTensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        names = ", ".join(file.name for file in self.files)
        return f"<Checkpoint {self.format}: {len(self)} tensors in {names}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the files."""
        self._tensors = {}

    def tied(self) -> list[tuple[str, ...]]:
        """List groups of names that are one and the same tensor in the file."""
        groups: dict[Any, list[str]] = {}
        for name, tensor in self._tensors.items():
            place = tensor.place
            if place is not None and place.length:
                view = (tensor.dtype, tensor.shape, place.start, place.strides)
                groups.setdefault((place.file, place.offset, view), []).append(name)
        return [tuple(names) for names in groups.values() if len(names) > 1]

    def verify(self) -> None:
        """Read everything and compare it with the checksums in the files, where there are any.

        Raises:
            CorruptContent: A checksum is wrong; the message names the tensor.
        """
        for tensor in self._tensors.values():
            if tensor.check is not None:
                tensor.check()
