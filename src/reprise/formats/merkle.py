"""An append-only log as a Merkle tree, RFC 6962 section 2: heads, and proofs that nothing changed.

The head of a log is one hash over all of its entries in order. A short proof shows that an entry is
in it; another that an older log is the beginning of a newer one, so nothing was
removed or rewritten.
"""

from collections.abc import Sequence
from hashlib import sha256

from reprise.base.errors import InvalidInput

_LEAF, _NODE = b"\0", b"\1"
_MAX_PROOF = 64  # hashes: more than any log of 2^63 entries needs


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry."""
    return sha256(_LEAF + entry).digest()


def join(left: bytes, right: bytes) -> bytes:
    """Return the hash of what two hashes stand for together."""
    return sha256(_NODE + left + right).digest()


def head(leaves: Sequence[bytes]) -> bytes:
    """Return the hash of a whole log.

    Args:
        leaves: Hash of every entry, in order.

    Example:
        >>> head([]).hex()[:8]
        'e3b0c442'
    """
    if not leaves:
        return sha256(b"").digest()
    stack: list[tuple[int, bytes]] = []  # (entries below, hash), larger ones first
    for leaf in leaves:
        size, value = 1, leaf
        while stack and stack[-1][0] == size:
            value = join(stack.pop()[1], value)
            size *= 2
        stack.append((size, value))
    value = stack.pop()[1]
    while stack:
        value = join(stack.pop()[1], value)
    return value


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return what proves that a log has an entry at a place.

    Raises:
        InvalidInput: It has no such place.
    """
    if not 0 <= index < len(leaves):
        raise InvalidInput(f"The log has {len(leaves)} entries and no entry {index}.")
    if len(leaves) == 1:
        return ()
    half = _half(len(leaves))
    if index < half:
        return (*inclusion_proof(leaves[:half], index), head(leaves[half:]))
    return (*inclusion_proof(leaves[half:], index - half), head(leaves[:half]))


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that the log with this head has an entry at a place.

    Args:
        root: Head of the log.
        size: Its entries.
        index: The place.
        leaf: Hash of the entry.
        proof: What `inclusion_proof` returned.
    """
    if not 0 <= index < size or len(proof) > _MAX_PROOF:
        return False
    node, last, value = index, size - 1, leaf
    for item in proof:
        if last == 0:
            return False
        if node % 2 or node == last:
            value = join(item, value)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            value = join(value, item)
        node, last = node // 2, last // 2
    return last == 0 and value == root


def consistency_proof(leaves: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    """Return what proves that the first `old` entries are an older state of this log.

    Raises:
        InvalidInput: It has not so many entries.
    """
    if not 0 <= old <= len(leaves):
        raise InvalidInput(f"The log has {len(leaves)} entries and never had {old}.")
    if old in {0, len(leaves)}:
        return ()
    return _subproof(leaves, old, whole=True)


def extends(old_root: bytes, old: int, root: bytes, size: int, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that the newer log begins with the older one.

    Args:
        old_root: Head of the older log.
        old: Its entries.
        root: Head of the newer log.
        size: Its entries.
        proof: What `consistency_proof` returned.
    """
    if not 0 <= old <= size or len(proof) > _MAX_PROOF:
        return False
    if old == size:
        return not proof and old_root == root
    if old == 0:
        return not proof and old_root == head(())
    path = list(proof)
    if old & (old - 1) == 0:  # the older log is one whole subtree: its head is known
        path.insert(0, old_root)
    if not path:
        return False
    return _extends(old_root, old, root, size, path)


def _extends(old_root: bytes, old: int, root: bytes, size: int, path: list[bytes]) -> bool:
    node, last = old - 1, size - 1
    while node % 2:
        node, last = node // 2, last // 2
    first = second = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            first, second = join(item, first), join(item, second)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            second = join(second, item)
        node, last = node // 2, last // 2
    return last == 0 and (first, second) == (old_root, root)


def _subproof(leaves: Sequence[bytes], old: int, *, whole: bool) -> tuple[bytes, ...]:
    if old == len(leaves):
        return () if whole else (head(leaves),)
    half = _half(len(leaves))
    if old <= half:
        return (*_subproof(leaves[:half], old, whole=whole), head(leaves[half:]))
    return (*_subproof(leaves[half:], old - half, whole=False), head(leaves[:half]))


def _half(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
