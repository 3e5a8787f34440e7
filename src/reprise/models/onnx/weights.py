"""Where the numbers of a graph lie: canonical tensors as parts of the file that stores them.

Nothing is copied. A tensor stored as it is, a piece of rows, or a tensor stored turned is a range
of bytes of the file; tensors woven into each other are multiplied as one, and the product is taken
apart (`layers.linear`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from reprise.base.errors import NotSupported
from reprise.models import names
from reprise.models.names import Place
from reprise.models.onnx.groups import Group
from reprise.models.plan import Plan

_ITEM = 4  # bytes of a float32
_PLAIN = {
    "same",
    "batched",
    "rows",
    "kernel_out",
    "leading",
    "pointwise",
}  # bytes in the order of the canonical tensor
TURNED = {"turned", "columns", "kernel"}  # stored [in, out]


@dataclass(frozen=True)
class Spot:
    """Where the float32 numbers of a stored tensor start."""

    location: str  # file, as the graph names it
    offset: int


@dataclass(frozen=True)
class Bytes:
    """A tensor as a range of bytes: its name in the graph, shape, and location, offset, length."""

    name: str
    shape: tuple[int, ...]
    place: tuple[str, int, int]


@dataclass(frozen=True)
class Rounded:
    """Where the tensors of layers in few bits lie: numbers, scales, bias."""

    group: Group
    spots: tuple[Spot, ...]

    def tensors(self) -> Iterator[tuple[str, str, tuple[int, ...], Spot, int]]:
        """Name, type, shape, place and bytes of each."""
        wanted = self.group.shapes().items()
        for (name, (dtype, shape)), spot in zip(wanted, self.spots, strict=True):
            yield name, dtype, shape, spot, prod(shape) * (_ITEM if dtype == "F32" else 1)


RoundedGroups = Mapping[tuple[str, ...], Rounded]  # by the modules that are one matrix


class Weights:
    """Weights of one plan.

    Args:
        plan: Whose names and shapes.
        spots: Stored name to place in a file.
        rounded: Layers whose numbers are in few bits.
    """

    def __init__(self, plan: Plan, spots: Mapping[str, Spot],
                 rounded: RoundedGroups | None = None) -> None:  # fmt: skip
        self._plan, self._spots = plan, spots
        self.rounded = rounded or {}

    def __contains__(self, name: str) -> bool:
        return name in self._plan.shapes

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a canonical tensor."""
        return self._plan.shapes[name]

    def place(self, name: str) -> Place:
        """Where a canonical tensor is stored, and beside which."""
        return self._plan.places[name]

    def stored_shape(self, place: Place) -> tuple[int, ...]:
        """Shape of a stored tensor as a matrix, or as what it is."""
        kind = layout(place)
        if kind == "kernel":
            out, into = self.shape(place.canonical[0])
            return into, out
        return names.stored_shape(place, self._plan.shapes)

    def stored(self, place: Place) -> Bytes:
        """Say where a stored tensor lies."""
        spot, shape = self._spots[place.stored], self.stored_shape(place)
        return Bytes(place.stored, shape, (spot.location, spot.offset, prod(shape) * _ITEM))

    def tensor(self, name: str) -> Bytes:
        """Say where a canonical tensor lies whose bytes are together in the file.

        Raises:
            NotSupported: They do not.
        """
        place, shape = self.place(name), self.shape(name)
        if layout(place) not in _PLAIN and not _is_cut_vector(place, shape):
            raise NotSupported(
                f"The onnx engine cannot read {name} as it is stored ({place.layout.name}).",
                hint="Load it with engine='torch'.",
            )
        before = place.canonical[: place.canonical.index(name)]
        start = sum(prod(self.shape(other)) for other in before) * _ITEM
        spot, length = self._spots[place.stored], prod(shape) * _ITEM
        return Bytes(name, shape, (spot.location, spot.offset + start, length))

    def groups(self, modules: Sequence[str]) -> Iterator[tuple[Place, tuple[str, ...]]]:
        """Sort linear layers by what has to be multiplied as one."""
        waiting = list(modules)
        while waiting:
            place = self.place(f"{waiting[0]}.weight")
            if layout(place) in _PLAIN:
                yield place, (waiting.pop(0),)
                continue
            group = tuple(name.removesuffix(".weight") for name in place.canonical)
            missing = [name for name in group if name not in waiting]
            if missing:
                raise NotSupported(
                    f"The onnx engine needs {', '.join(missing)} together with {waiting[0]}.",
                    hint="Load it with engine='torch'.",
                )
            yield place, group
            waiting = [name for name in waiting if name not in group]


def layout(place: Place) -> str:
    """Name of a place's layout, without its width."""
    return place.layout.name.partition(":")[0]


def _is_cut_vector(place: Place, shape: tuple[int, ...]) -> bool:
    return len(shape) < 2 and layout(place) in {"turned", "columns"}  # noqa: PLR2004 - no matrix
