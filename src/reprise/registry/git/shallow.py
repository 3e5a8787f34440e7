"""Shallow clones: where history is cut off, now and after deepening."""

from collections import deque
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from reprise.base.errors import InvalidInput
from reprise.registry.git.history import Node, reachable

# What `git fetch --unshallow` sends as depth.
INFINITE = 0x7FFFFFFF


@dataclass(frozen=True)
class Deepen:
    """How far a client wants its history to reach; at most one of the three is set.

    `relative` counts `depth` from the client's present edge. `since` is in seconds since 1970.
    `exclude` holds commits whose history is left out.
    """

    depth: int | None = None
    relative: bool = False
    since: int | None = None
    exclude: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return self.depth is not None or self.since is not None or bool(self.exclude)


@dataclass(frozen=True)
class Edge:
    """The answer to a deepening: `cut` is the whole new edge, the others are what changes."""

    cut: frozenset[bytes]
    shallow: tuple[bytes, ...]
    unshallow: tuple[bytes, ...]


def new_edge(
    known: Mapping[bytes, Node], wants: Iterable[bytes], present: Set[bytes], deepen: Deepen
) -> Edge:
    """Work out where history is cut after a deepening.

    Args:
        known: The repo's commits.
        wants: Commits the client asks for.
        present: The client's present edge.
        deepen: What it asks for.

    Raises:
        InvalidInput: Nothing would be left.
    """
    if deepen.depth is not None:
        kept, cut = _by_depth(known, wants, present, deepen)
    else:
        kept = _kept(known, wants, deepen)
        cut = {oid for oid in kept if any(p not in kept for p in known[oid].parents)}
    whole = (kept - cut) & present
    return Edge(
        frozenset(cut | (present - whole)), tuple(sorted(cut - present)), tuple(sorted(whole))
    )


def _by_depth(
    known: Mapping[bytes, Node], wants: Iterable[bytes], present: Set[bytes], deepen: Deepen
) -> tuple[set[bytes], set[bytes]]:
    depth = deepen.depth or 0
    starts = [oid for oid in wants if oid in known]
    if deepen.relative:
        starts = list(reachable(known, starts) & present)
        depth += 1
    distance = dict.fromkeys(starts, 1)
    queue = deque(starts)
    while queue:
        oid = queue.popleft()
        if distance[oid] >= depth:
            continue
        for parent in known[oid].parents:
            if parent not in distance:
                distance[parent] = distance[oid] + 1
                queue.append(parent)
    cut = {oid for oid, far in distance.items() if far >= depth and known[oid].parents}
    return set(distance), cut


def _kept(known: Mapping[bytes, Node], wants: Iterable[bytes], deepen: Deepen) -> set[bytes]:
    dropped = reachable(known, deepen.exclude)
    since = deepen.since if deepen.since is not None else 0
    kept: set[bytes] = set()
    todo = list(wants)
    while todo:
        oid = todo.pop()
        if oid in kept or oid in dropped or oid not in known or known[oid].seconds < since:
            continue
        kept.add(oid)
        todo += known[oid].parents
    if not kept:
        raise InvalidInput("No commits are left to fetch with this --shallow-since or -exclude.")
    return kept
