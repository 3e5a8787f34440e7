"""Several frames as one: after each other, beside each other, in turns."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.features import Features
from reprise.data.frame import Frame, Group
from reprise.data.permutation import Indices
from reprise.data.selection import Joined, Picked, Span, whole
from reprise.data.stored import Stored

_STRATEGIES = ("first_exhausted", "all_exhausted", "all_exhausted_without_replacement")


def concatenated(frames: Sequence[Frame]) -> Frame:
    """Put the rows of frames one after the other; no row is copied.

    Raises:
        InvalidInput: The columns differ; the message says which.
    """
    if not frames:
        raise InvalidInput("There is nothing to concatenate.")
    if len(frames) == 1:
        return frames[0]
    features = _common(frames)
    groups = tuple(_stacked(frames, names, features) for names in _blocks(frames, list(features)))
    return Frame(features, groups, sum(frame.size for frame in frames))


def side_by_side(frames: Sequence[Frame]) -> Frame:
    """Put the columns of frames beside each other.

    Raises:
        InvalidInput: They differ in length, or a name occurs twice.
    """
    found = frames[0]
    for frame in frames[1:]:
        if twice := [name for name in frame.columns if name in found.features]:
            raise InvalidInput(f"Column {twice[0]!r} occurs twice; rename one.")
        found = found.joined(frame)
    return found


def check_mix(count: int, probabilities: Sequence[float] | None, stopping: str) -> None:
    """Look at how things are to be interleaved.

    Raises:
        InvalidInput: There is nothing, no such strategy, or the probabilities are wrong.
    """
    if not count:
        raise InvalidInput("There is nothing to interleave.")
    if stopping not in _STRATEGIES:
        raise InvalidInput(f"stopping_strategy is one of {', '.join(_STRATEGIES)}.")
    if probabilities is not None:
        _checked(probabilities, count)


def interleaved(
    frames: Sequence[Frame],
    *,
    probabilities: Sequence[float] | None = None,
    seed: int | None = None,
    stopping: str = "first_exhausted",
) -> Frame:
    """Take rows of frames in turns, or as drawn; what is stored is their numbers.

    Raises:
        InvalidInput: The columns differ, or there is a frame without rows.
    """
    if any(not frame.size for frame in frames):
        raise InvalidInput("A data set without rows cannot be interleaved.")
    sizes = [frame.size for frame in frames]
    if probabilities is None:
        which, inside = _in_turns(sizes, stopping)
    else:
        which, inside = _drawn(sizes, _checked(probabilities, len(frames)), seed, stopping)
    starts = np.cumsum([0, *sizes[:-1]])
    return concatenated(frames).pick(Picked(starts[which] + inside))


def _in_turns(sizes: list[int], stopping: str) -> tuple[Indices, Indices]:
    count = len(sizes)
    rounds = min(sizes) if stopping == "first_exhausted" else max(sizes)
    which = np.tile(np.arange(count, dtype=np.int64), rounds)
    inside = np.repeat(np.arange(rounds, dtype=np.int64), count)
    limits = np.array(sizes)[which]
    if stopping == "all_exhausted":
        return which, inside % limits
    kept = inside < limits
    return which[kept], inside[kept]


def _drawn(
    sizes: list[int],
    chances: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    seed: int | None,
    stopping: str,
) -> tuple[Indices, Indices]:
    """Draw which frame comes next until the strategy says stop."""
    generator = np.random.default_rng(seed)
    position, done = [0] * len(sizes), [False] * len(sizes)
    which: list[int] = []
    inside: list[int] = []
    while True:
        for number in generator.choice(len(sizes), 1024, p=chances).tolist():
            if done[number] and stopping == "all_exhausted_without_replacement":
                continue
            which.append(number)
            inside.append(position[number] % sizes[number])
            position[number] += 1
            done[number] |= position[number] >= sizes[number]
            if all(done) or (stopping == "first_exhausted" and any(done)):
                return np.array(which, np.int64), np.array(inside, np.int64)


def _checked(
    chances: Sequence[float], count: int
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    found = np.array(chances, np.float64)
    if len(found) != count or (found <= 0).any() or abs(found.sum() - 1) > 1e-6:  # noqa: PLR2004
        raise InvalidInput(
            f"Give {count} probabilities above 0 that add up to 1, not {list(chances)}."
        )
    chosen: np.ndarray[tuple[int], np.dtype[np.float64]] = found / found.sum()
    return chosen


def _common(frames: Sequence[Frame]) -> Features:
    """Return the features that all frames share; a column of nulls goes with any type."""
    found = frames[0].features.copy()
    for number, frame in enumerate(frames[1:], 1):
        if set(frame.features) != set(found):
            odd = sorted(set(frame.features) ^ set(found))
            raise InvalidInput(
                f"Data set {number} does not have the columns of the first: {', '.join(odd)}.",
                hint="Rename or remove columns so that all have the same.",
            )
        for name, feature in frame.features.items():
            if feature != found[name]:
                found[name] = _same(name, found[name], feature, number)
    return found


def _same(name: str, first: object, other: object, number: int) -> object:
    both = [Features({name: feature}).bare_schema.field(0).type for feature in (first, other)]
    if both[0] == both[1]:
        return other if type(first).__name__ == "Value" else first
    if pa.types.is_null(both[0]):
        return other
    if pa.types.is_null(both[1]):
        return first
    raise InvalidInput(
        f"Column {name!r} holds {both[0]} in the first data set, {both[1]} in data set {number}.",
        hint=f"Cast one: dataset.cast_column({name!r}, …).",
    )


def _blocks(frames: Sequence[Frame], names: list[str]) -> list[list[str]]:
    """Cut the columns into blocks that lie in one group of every frame."""
    where = {
        name: tuple(next(i for i, g in enumerate(f.groups) if name in g.names) for f in frames)
        for name in names
    }
    return [[n for n in names if where[n] == place] for place in dict.fromkeys(where.values())]


def _stacked(frames: Sequence[Frame], names: list[str], features: Features) -> Group:
    schema = Features({name: features[name] for name in names}).bare_schema
    tables, parts, offset = [], [], 0
    for frame in frames:
        group = next(g for g in frame.groups if names[0] in g.names)
        table = group.stored.table.select([group.names[name] for name in names])
        tables.append(table.rename_columns(names).cast(schema))
        parts.append((offset, group.selection))
        offset += table.num_rows
    table = pa.concat_tables(tables)
    kinds = [next(g for g in f.groups if names[0] in g.names).stored.identity for f in frames]
    stored = Stored(table, _key(kinds, names))
    if all(part == Span(0, t.num_rows) for (_, part), t in zip(parts, tables, strict=True)):
        return Group(stored, whole(offset), {name: name for name in names})
    return Group(stored, Joined(tuple(parts)), {name: name for name in names})


def _key(identities: list[str], names: list[str]) -> str:
    from reprise.base.digests import canonical_json, sha256_hex

    return sha256_hex(canonical_json(["concatenated", identities, names]))
