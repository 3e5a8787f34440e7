"""The tree of `merkle` from the hashes of complete subtrees: few of them answer anything.

A complete subtree is named by its level (0: leaves) and its position on that level. A log of a
million entries has two million of them; its head takes about ten, a proof about forty.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from reprise.base.errors import InvalidInput
from reprise.formats.merkle import join

# Returns the hash of the complete subtree at (level, position).
Node = Callable[[int, int], bytes]
Place = tuple[int, int]


def appended(index: int, leaf: bytes, node: Node) -> Iterator[tuple[int, int, bytes]]:
    """Yield every subtree that a new entry completes: level, position, hash.

    Args:
        index: Place of the entry.
        leaf: Its hash.
        node: Gives the subtrees that were complete before.
    """
    level, value = 0, leaf
    yield level, index, value
    while index % 2:
        value = join(node(level, index - 1), value)
        level, index = level + 1, index // 2
        yield level, index, value


def root(size: int, node: Node) -> bytes:
    """Return the head of the log of the first `size` entries, as `merkle.head` does."""
    return _hash(0, size, node) if size else sha256(b"").digest()


def inclusion(size: int, index: int, node: Node) -> tuple[bytes, ...]:
    """Return what `merkle.inclusion_proof` does.

    Raises:
        InvalidInput: The log has no such entry.
    """
    if not 0 <= index < size:
        raise InvalidInput(f"The log has {size} entries and no entry {index}.")
    return tuple(_inclusion(0, size, index, node))


def consistency(old: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return what `merkle.consistency_proof` does.

    Raises:
        InvalidInput: The log never had so many entries.
    """
    if not 0 <= old <= size:
        raise InvalidInput(f"The log has {size} entries and never had {old}.")
    if old in {0, size}:
        return ()
    return tuple(_consistency(0, size, old, node, whole=True))


def needed(ask: Callable[[Node], object]) -> Sequence[Place]:
    """Return which subtrees a question will need, sorted, so that they can be read at once.

    Example:
        >>> needed(lambda node: root(6, node))
        [(1, 2), (2, 0)]
    """
    places: set[Place] = set()

    def note(level: int, position: int) -> bytes:
        places.add((level, position))
        return b""

    ask(note)
    return sorted(places)


def _hash(start: int, end: int, node: Node) -> bytes:
    """Return the hash over entries; `start` is where a subtree of this size can begin."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _half(count)
    return join(_hash(start, middle, node), _hash(middle, end, node))


def _inclusion(start: int, end: int, index: int, node: Node) -> Iterator[bytes]:
    if end - start == 1:
        return
    middle = start + _half(end - start)
    if index < middle:
        yield from _inclusion(start, middle, index, node)
        yield _hash(middle, end, node)
    else:
        yield from _inclusion(middle, end, index, node)
        yield _hash(start, middle, node)


def _consistency(start: int, end: int, old: int, node: Node, *, whole: bool) -> Iterator[bytes]:
    if old == end:
        if not whole:
            yield _hash(start, end, node)
        return
    middle = start + _half(end - start)
    if old <= middle:
        yield from _consistency(start, middle, old, node, whole=whole)
        yield _hash(middle, end, node)
    else:
        yield from _consistency(middle, end, old, node, whole=False)
        yield _hash(start, middle, node)


def _half(count: int) -> int:
    """Return the largest power of two below a count."""
    return 1 << (count - 1).bit_length() - 1
