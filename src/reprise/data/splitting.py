"""Which rows go where: train and test, shards, sorted, distinct."""

from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.frame import Frame
from reprise.data.permutation import Indices, Permutation
from reprise.data.selection import Selection, Span


def sizes_of(total: int, test: float | int | None, train: float | int | None) -> tuple[int, int]:
    """Return how many rows are for training and for testing, as scikit-learn counts them.

    Raises:
        InvalidInput: The sizes cannot be.
    """
    if test is None and train is None:
        test = 0.25
    n_test = _size(test, total, "test_size", up=True)
    n_train = _size(train, total, "train_size", up=False)
    if n_test is None:
        n_test = total - (n_train or 0)
    if n_train is None:
        n_train = total - n_test
    if n_train <= 0 or n_test < 0 or n_train + n_test > total:
        raise InvalidInput(
            f"{total} rows cannot be split into {n_train} for training and {n_test} for testing."
        )
    return n_train, n_test


def _size(wanted: float | int | None, total: int, name: str, *, up: bool) -> int | None:
    if wanted is None:
        return None
    if isinstance(wanted, float):
        if not 0 < wanted < 1:
            raise InvalidInput(f"{name} is a part between 0 and 1, or a number of rows: {wanted}.")
        return int(np.ceil(wanted * total)) if up else int(np.floor(wanted * total))
    if not 0 < wanted <= total:
        raise InvalidInput(f"{name} is {wanted}, but there are {total} rows.")
    return int(wanted)


def stratified(
    labels: pa.ChunkedArray, sizes: tuple[int, int], seed: int
) -> tuple[Indices, Indices]:
    """Draw rows so that every label has its share in both parts.

    Raises:
        InvalidInput: A label has fewer than two rows, or a part has fewer rows than labels.
    """
    codes = labels.dictionary_encode().combine_chunks()
    codes = codes.indices if isinstance(codes, pa.DictionaryArray) else codes.chunk(0).indices
    numbers = codes.to_numpy(zero_copy_only=False)
    order = Permutation(len(numbers), seed).apply(np.arange(len(numbers), dtype=np.int64))
    grouped = order[np.argsort(numbers[order], kind="stable")]
    counts = np.bincount(numbers)
    if counts.min() < 2 or min(sizes) < len(counts):  # noqa: PLR2004 - one for each part
        raise InvalidInput(
            "To stratify, every label needs two rows and every part one of each label."
        )
    tests = _shares(counts, sizes[1])
    trains = _shares(counts - tests, sizes[0])
    starts = np.cumsum(counts) - counts
    test = np.concatenate([grouped[s : s + k] for s, k in zip(starts, tests, strict=True)])
    train = np.concatenate(
        [grouped[s + t : s + t + k] for s, t, k in zip(starts, tests, trains, strict=True)]
    )
    return _mixed(train, seed + 1), _mixed(test, seed + 2)


def _shares(counts: Indices, size: int) -> Indices:
    """Divide a size among labels in proportion, the largest remainders rounded up."""
    exact = counts * size / counts.sum()
    found: Indices = np.floor(exact).astype(np.int64)
    for number in np.argsort(found - exact, kind="stable")[: size - int(found.sum())]:
        found[number] += 1
    return found


def _mixed(rows: Indices, seed: int) -> Indices:
    return rows[Permutation(len(rows), seed).apply(np.arange(len(rows), dtype=np.int64))]


def shard_of(size: int, count: int, index: int, *, contiguous: bool) -> Selection:
    """Return the rows of one of `count` shards.

    Raises:
        InvalidInput: There is no such shard.
    """
    if count < 1 or not 0 <= index < count:
        raise InvalidInput(f"There is no shard {index} of {count}.")
    if contiguous:
        share, rest = divmod(size, count)
        start = index * share + min(index, rest)
        return Span(start, share + (index < rest))
    return Span(index, len(range(index, size, count)), count)


def unique_values(frame: Frame, name: str) -> list[Any]:
    """Return the distinct values of a column in the order of their first row."""
    frame.check([name])
    try:
        found: list[Any] = frame.only([name]).table()[name].unique().to_pylist()
    except pa.ArrowException as error:
        raise InvalidInput(f"The values of {name!r} cannot be compared: {error}.") from None
    return found
