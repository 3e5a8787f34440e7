"""One repo's git objects as rows that already are pack entries.

A row's `z` is the finished zlib stream of a body, or of a delta against another row. Whatever a
row refers to (base, parents, tree, entries) was stored before it or in the same transaction.
"""

import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from reprise.base.errors import CorruptContent, NotFound
from reprise.registry.db.batches import batched
from reprise.registry.db.prepared import Prepared
from reprise.registry.db.schema import git_commit, git_object
from reprise.registry.db.upsert import insert
from reprise.registry.git.deltas import apply_delta, tree_delta
from reprise.registry.git.objects import (
    Commit,
    GitObject,
    Kind,
    TreeEntry,
    decode_commit,
    encode_tree,
    object_id,
    parse_tree,
    split_tree,
)
from reprise.registry.git.pointers import pointer_row, save_pointers

# Longest chain of deltas that this store writes by itself; then comes a whole tree again.
TREE_DEPTH = 32
_MIN_DEPTH = 4
_BYTES_PER_STEP = 256
# Below this a delta saves less than the walk along its chain costs, bytes.
_DELTA_FROM = 512
# A chain longer than anything that is ever written: the table is damaged.
_BROKEN_CHAIN = 10_000
BATCH = 500  # ids in one IN (…), rows in one INSERT
_BITE_BYTES = 8 << 20
_CACHE_BYTES = 16 << 20
_SAMPLE = 16 << 10  # bytes looked at to tell whether a body will shrink
_HARDLY = 0.95

_ROW = Prepared(
    select(
        git_object.c.kind,
        git_object.c.size,
        git_object.c.z,
        git_object.c.base,
        git_object.c.depth,
    ).where(git_object.c.repo_id == bindparam("repo_id"), git_object.c.oid == bindparam("oid"))
)
_HEADS = select(git_object.c.oid, git_object.c.kind, git_object.c.size, git_object.c.depth).where(
    git_object.c.repo_id == bindparam("repo_id"),
    git_object.c.oid.in_(bindparam("oids", expanding=True)),
)


class NewRow(NamedTuple):
    """An object ready to be stored. `body` may be left out for blobs that are no pointers."""

    oid: bytes
    kind: Kind
    size: int
    z: bytes
    base: bytes | None = None
    z_size: int = 0
    depth: int = 0
    body: bytes = b""


class Head(NamedTuple):
    """What is known of an object without reading it."""

    kind: Kind
    size: int
    depth: int


class GitStore:
    """Read and write one repo's objects inside an open transaction."""

    def __init__(self, conn: Connection, repo_id: int) -> None:
        self.conn = conn
        self.repo_id = repo_id
        self._cache: OrderedDict[bytes, GitObject] = OrderedDict()
        self._cached = 0

    # -- reading

    def read(self, oid: bytes) -> GitObject:
        """Read an object.

        Raises:
            NotFound: The repo has no such object.
            CorruptContent: The row, or one it builds on, is damaged.
        """
        deltas: list[bytes] = []
        at = oid
        while (known := self._cache.get(at)) is None:
            row = self._row(at, oid)
            data = _inflate(row.z, at)
            if row.base is None:
                known = GitObject(Kind(row.kind), data)
                break
            deltas.append(data)
            at = row.base
            if len(deltas) > _BROKEN_CHAIN:
                raise CorruptContent(f"Object {oid.hex()} builds on itself.")
        body = known.body
        while deltas:
            body = apply_delta(body, deltas.pop())
        found = GitObject(known.kind, body)
        self._remember(oid, found)
        return found

    def read_as(self, oid: bytes, kind: Kind) -> bytes:
        """Read the body of an object that must be of one kind.

        Raises:
            NotFound: Absent, or of another kind.
        """
        found = self.read(oid)
        if found.kind is not kind:
            raise NotFound(f"Object {oid.hex()} is a {found.kind.name.lower()}, not a {kind.name}.")
        return found.body

    def read_tree(self, oid: bytes) -> tuple[TreeEntry, ...]:
        """Read the entries of a tree, in git's order.

        Raises:
            NotFound: Absent, or not a tree.
        """
        return parse_tree(self.read_as(oid, Kind.TREE))

    def read_commit(self, oid: bytes) -> Commit:
        """Read a commit.

        Raises:
            NotFound: Absent, or not a commit.
        """
        return decode_commit(self.read_as(oid, Kind.COMMIT))

    def has(self, oid: bytes) -> bool:
        """Tell whether the repo has an object."""
        return bool(self.heads([oid]))

    def heads(self, oids: Iterable[bytes]) -> dict[bytes, Head]:
        """Look up kinds and sizes of those objects that exist."""
        found = {}
        for batch in batched(oids, BATCH):
            rows = self.conn.execute(_HEADS, {"repo_id": self.repo_id, "oids": batch})
            found.update({row.oid: Head(Kind(row.kind), row.size, row.depth) for row in rows})
        return found

    def sizes(self, oids: Iterable[bytes]) -> dict[bytes, int]:
        """Look up the sizes, in bytes, of those objects that exist."""
        return {oid: head.size for oid, head in self.heads(oids).items()}

    # -- writing

    def write(self, kind: Kind, body: bytes) -> bytes:
        """Store an object and return its id; an object that exists already is left as it is."""
        return self.write_many([(kind, body)])[0]

    def write_many(self, objects: Iterable[tuple[Kind, bytes]]) -> list[bytes]:
        """Store objects and return their ids in the same order."""
        oids = []
        for row_batch in _bites(
            whole_row(object_id(kind, body), kind, body) for kind, body in objects
        ):
            self.insert(row_batch)
            oids += [row.oid for row in row_batch]
        return oids

    def write_tree(self, entries: Iterable[TreeEntry], base: bytes | None = None) -> bytes:
        """Store a tree and return its id.

        Args:
            entries: In any order; no name twice.
            base: The tree it was made from, when there is one: the row becomes a delta if that
                pays.

        Raises:
            InvalidInput: A name or mode is not allowed.
        """
        return self.write_raw_tree(split_tree(encode_tree(entries)), base)

    def write_raw_tree(self, raws: Sequence[bytes], base: bytes | None) -> bytes:
        """Store a tree given as checked, ordered, encoded entries."""
        body = b"".join(raws)
        oid = object_id(Kind.TREE, body)
        if oid != base:
            self.insert([self._tree_row(oid, raws, body, base)])
            self._remember(oid, GitObject(Kind.TREE, body))
        return oid

    def insert(self, rows: Iterable[NewRow]) -> None:
        """Store rows, each after the rows it builds on; rows that exist are left as they are."""
        statement = insert(self.conn, git_object).on_conflict_do_nothing()
        for batch in _bites(rows):
            self.conn.execute(statement, [self._values(row) for row in batch])
            self._index_commits(row for row in batch if row.kind is Kind.COMMIT)
            found = (pointer_row(row.oid, row.body) for row in batch if row.kind is Kind.BLOB)
            save_pointers(self.conn, self.repo_id, [row for row in found if row is not None])

    def rewrite_whole(self, oids: Iterable[bytes]) -> None:
        """Turn deltas into whole objects, so that their bases can go."""
        here = git_object.c.repo_id == self.repo_id
        for oid in oids:
            found = self.read(oid)
            row = whole_row(oid, found.kind, found.body)
            values = {"z": row.z, "base": None, "z_size": row.z_size, "depth": 0}
            self.conn.execute(
                update(git_object).where(here, git_object.c.oid == oid).values(values)
            )

    # -- inside

    def _row(self, at: bytes, oid: bytes) -> Any:
        row = _ROW.first(self.conn, repo_id=self.repo_id, oid=at)
        if row is None and at == oid:
            raise NotFound(f"This repo has no object {oid.hex()}.")
        if row is None:
            raise CorruptContent(f"Object {oid.hex()} builds on {at.hex()}, which is missing.")
        return row

    def _tree_row(
        self, oid: bytes, raws: Sequence[bytes], body: bytes, base: bytes | None
    ) -> NewRow:
        if base is None or len(body) < _DELTA_FROM:
            return whole_row(oid, Kind.TREE, body)
        head = self.heads([base]).get(base)
        if head is None or head.depth >= _depth_for(len(body)):
            return whole_row(oid, Kind.TREE, body)
        delta = tree_delta(split_tree(self.read_as(base, Kind.TREE)), raws)
        if len(delta) * 2 > len(body):
            return whole_row(oid, Kind.TREE, body)
        z = zlib.compress(delta)
        return NewRow(oid, Kind.TREE, len(body), z, base, len(delta), head.depth + 1, body)

    def _values(self, row: NewRow) -> Mapping[str, object]:
        return {
            "repo_id": self.repo_id,
            "oid": row.oid,
            "kind": row.kind.value,
            "size": row.size,
            "z": row.z,
            "base": row.base,
            "z_size": row.z_size,
            "depth": row.depth,
        }

    def _index_commits(self, rows: Iterator[NewRow]) -> None:
        values = []
        for row in rows:
            commit = decode_commit(row.body)
            values.append(
                {
                    "repo_id": self.repo_id,
                    "oid": row.oid,
                    "tree": commit.tree,
                    "parents": b"".join(commit.parents),
                    "seconds": commit.committer.seconds,
                }
            )
        if values:
            self.conn.execute(insert(self.conn, git_commit).on_conflict_do_nothing(), values)

    def _remember(self, oid: bytes, found: GitObject) -> None:
        if oid in self._cache or len(found.body) > _CACHE_BYTES // 4:
            return
        self._cache[oid] = found
        self._cached += len(found.body)
        while self._cached > _CACHE_BYTES:
            _, dropped = self._cache.popitem(last=False)
            self._cached -= len(dropped.body)


def whole_row(oid: bytes, kind: Kind, body: bytes) -> NewRow:
    """Build the row of an object that is stored whole."""
    return NewRow(oid, kind, len(body), deflate(body), None, len(body), 0, body)


def _depth_for(size: int) -> int:
    """Return how long a chain may grow: each step is a query, which a small tree is not worth."""
    return min(TREE_DEPTH, max(_MIN_DEPTH, size // _BYTES_PER_STEP))


def deflate(body: bytes) -> bytes:
    """Compress a body; what would hardly shrink (images, archives, weights) is only framed.

    Trying to compress such bytes costs twenty times what framing them costs.
    """
    middle = len(body) // 2
    sample = body[middle : middle + _SAMPLE]
    if len(sample) == _SAMPLE and len(zlib.compress(sample, 1)) > _SAMPLE * _HARDLY:
        return zlib.compress(body, 0)
    return zlib.compress(body)


def _bites(rows: Iterable[NewRow]) -> Iterator[list[NewRow]]:
    """Cut rows into lists that are neither too long nor too heavy for one INSERT."""
    batch: list[NewRow] = []
    weight = 0
    for row in rows:
        batch.append(row)
        weight += len(row.z)
        if len(batch) == BATCH or weight > _BITE_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _inflate(z: bytes, oid: bytes) -> bytes:
    try:
        return zlib.decompress(z)
    except zlib.error:
        raise CorruptContent(f"The stored object {oid.hex()} is damaged.") from None
