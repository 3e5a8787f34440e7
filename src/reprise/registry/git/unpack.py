"""A pushed pack turned into checked rows: deltas resolved, objects named, references collected."""

from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from reprise.base.errors import InvalidFormat, NotFound, RepriseError, TooLarge
from reprise.formats import lfs_pointer
from reprise.formats.lfs_pointer import Pointer
from reprise.registry.git import fsck
from reprise.registry.git.deltas import apply_delta, delta_sizes
from reprise.registry.git.objects import Kind, object_id
from reprise.registry.git.pack_reader import PackFile
from reprise.registry.git.store import GitStore, Head, NewRow, whole_row

# git's own default for `--depth`: what a client sends is stored as it comes.
STORED_DEPTH = 50
# Deeper chains than `git gc --aggressive` ever wrote cost more than they save.
_MAX_DEPTH = 250
_CACHE_BYTES = 64 << 20
# Deltas may build so many times the limit on inflated bytes while bases are built again.
_WORK_FACTOR = 3


@dataclass
class Findings:
    """What the objects of a pack are and need.

    `oversized` holds blobs over the limit for regular files: they are not among the rows.
    """

    kinds: dict[bytes, Kind] = field(default_factory=dict)
    needs: dict[bytes, Kind] = field(default_factory=dict)
    pointers: dict[bytes, Pointer] = field(default_factory=dict)
    oversized: dict[bytes, int] = field(default_factory=dict)
    outside_bases: set[bytes] = field(default_factory=set)


class Unpacked:
    """The objects of one pack. `store` answers for the bases of thin packs."""

    def __init__(self, pack: PackFile, store: GitStore) -> None:
        self.found = Findings()
        self._pack = pack
        self._store = store
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._cached = 0
        self._work = self._inflated = 0
        # Columns by entry number: base (in the pack, or -1), depth, object id.
        self._bases = array("q", [-1]) * pack.count
        self._outside: dict[int, bytes] = {}
        self._depths = array("H", [0]) * pack.count
        self._oids: list[bytes | None] = [None] * pack.count
        self._order = array("Q")  # settled entries; no base comes after what builds on it
        self._gitmodules: set[bytes] = set()
        self._trees = fsck.TreeInspector()
        self._waiting_at, self._waiting_for = self._children()
        self._resolve()
        self._check_gitmodules()

    def rows(self) -> Iterator[NewRow]:
        """Yield the rows to store, bases first. They keep the zlib streams of the pack."""
        seen: set[bytes] = set()
        for number in self._order:
            oid = self._oid(number)
            if oid not in seen and oid not in self.found.oversized:
                seen.add(oid)
                yield self._row(number, oid)

    # -- resolving

    def _children(self) -> tuple[dict[int, list[int]], dict[bytes, list[int]]]:
        at: dict[int, list[int]] = {}
        by_oid: dict[bytes, list[int]] = {}
        for number in range(self._pack.count):
            base = self._pack.base(number)
            if base is not None:
                at.setdefault(base, []).append(number)
        for number, oid in self._pack.base_oids.items():
            by_oid.setdefault(oid, []).append(number)
        return at, by_oid

    def _resolve(self) -> None:
        for number in range(self._pack.count):
            kind = self._pack.kind(number)
            if kind is not None:
                self._settle_whole(number, kind)
                self._settle_below(number)
        while self._waiting_for:
            self._settle_on_outside()
        if len(self._order) != self._pack.count:
            raise InvalidFormat("Deltas in the pack build on each other in a circle.")

    def _settle_whole(self, number: int, kind: Kind) -> None:
        size = self._pack.size(number)
        if kind is Kind.BLOB and size > self._pack.limits.blob:
            oid = self._pack.hash_blob(number)
            self.found.oversized[oid] = size
            self._settle(number, oid, kind)
            return
        body = self._pack.data(number)
        self._settle(number, self._check(kind, body), kind)

    def _settle_below(self, top: int) -> None:
        """Settle everything that builds on an entry, depth first, so that bases stay at hand."""
        todo = [top]
        while todo:
            number = todo.pop()
            children = self._waiting_at.pop(number, [])
            children += self._waiting_for.pop(self._oid(number), [])
            if children and self._oid(number) in self.found.oversized:
                raise self._too_large(Kind.BLOB, self.found.oversized[self._oid(number)])
            for child in children:
                self._settle_delta(child, self._body(number), base=number)
            todo += children

    def _settle_on_outside(self) -> None:
        """Settle a delta whose base the repo has to have: the pack is a thin one."""
        oid = next(iter(self._waiting_for))
        children = self._waiting_for.pop(oid)
        try:
            base = self._store.read(oid)
        except NotFound:
            raise InvalidFormat(
                f"The pack lacks {oid.hex()}, on which a delta in it builds."
            ) from None
        self.found.outside_bases.add(oid)
        head = self._store.heads([oid])[oid]
        for child in children:
            self._outside[child] = oid
            self._settle_delta(child, base.body, outside=head)
            self._settle_below(child)

    def _settle_delta(
        self, number: int, base_body: bytes, *, base: int | None = None, outside: Head | None = None
    ) -> None:
        if base is not None:
            kind, depth = self.found.kinds[self._oid(base)], self._depths[base] + 1
            self._bases[number] = base
        else:
            assert outside is not None
            kind, depth = outside.kind, outside.depth + 1
        if depth > _MAX_DEPTH:
            raise TooLarge(
                f"A chain of deltas is longer than {_MAX_DEPTH}; run 'git repack -adf' and push "
                "again."
            )
        delta = self._pack.data(number)
        self._check_target(kind, delta_sizes(delta)[1])
        body = self._build(base_body, delta)
        self._depths[number] = depth
        self._remember(number, body)
        self._settle(number, self._check(kind, body), kind)

    def _settle(self, number: int, oid: bytes, kind: Kind) -> None:
        self._oids[number] = oid
        self.found.kinds[oid] = kind
        self._order.append(number)

    # -- checking

    def _check_target(self, kind: Kind, size: int) -> None:
        if size > self._pack.limits.of(kind):
            raise self._too_large(kind, size)
        self._inflated += size
        if self._inflated > self._pack.limits.total:
            raise TooLarge(
                f"This push inflates to more than this hub's limit of {self._pack.limits.total} "
                "bytes. Push older commits first."
            )

    def _too_large(self, kind: Kind, size: int) -> TooLarge:
        limit = self._pack.limits.of(kind)
        way_out = f" Move large files to git lfs: git lfs migrate import --above={limit}b"
        return TooLarge(
            f"A {kind.name.lower()} of {size} bytes is over this hub's limit of {limit} bytes."
            + (way_out if kind is Kind.BLOB else "")
        )

    def _check(self, kind: Kind, body: bytes) -> bytes:
        oid = object_id(kind, body)
        if oid in self.found.kinds:
            return oid
        try:
            self._note(oid, kind, body)
        except RepriseError as error:
            raise type(error)(f"{kind.name.capitalize()} {oid.hex()}: {error.message}") from None
        return oid

    def _note(self, oid: bytes, kind: Kind, body: bytes) -> None:
        for reference, wanted in self._references(kind, body):
            if self.found.needs.setdefault(reference, wanted) is not wanted:
                raise InvalidFormat(f"It uses {reference.hex()} as a {wanted.name.lower()}.")
        if len(self.found.needs) > 2 * self._pack.limits.objects:
            raise TooLarge("This push refers to too many objects; push older commits first.")
        if kind is Kind.BLOB and (pointer := lfs_pointer.parse(body)):
            self.found.pointers[oid] = pointer

    def _references(self, kind: Kind, body: bytes) -> list[fsck.Reference]:
        if kind is not Kind.TREE:
            return fsck.references(kind, body)
        entries = self._trees.fresh(body)
        self._gitmodules.update(entry.oid for entry in entries if fsck.is_gitmodules(entry))
        return [found for entry in entries if (found := fsck.reference(entry)) is not None]

    def _check_gitmodules(self) -> None:
        if not self._gitmodules:
            return
        for number in self._order:
            oid = self._oid(number)
            if oid in self._gitmodules and oid not in self.found.oversized:
                fsck.check_gitmodules(self._body(number))

    # -- bodies

    def _body(self, number: int) -> bytes:
        """Build the body of a settled entry, from the cache or along its chain of deltas."""
        chain: list[int] = []
        at = number
        while (body := self._cache.get(at)) is None:
            if self._pack.kind(at) is not None:
                body = self._pack.data(at)
                break
            chain.append(at)
            if at in self._outside:
                body = self._store.read(self._outside[at]).body
                break
            at = self._bases[at]
        while chain:
            at = chain.pop()
            body = self._build(body, self._pack.data(at))
        self._remember(number, body)
        return body

    def _build(self, base: bytes, delta: bytes) -> bytes:
        body = apply_delta(base, delta)
        self._work += len(body)
        if self._work > _WORK_FACTOR * self._pack.limits.total:
            raise TooLarge(
                "Building this push's deltas takes too much work; run 'git repack -adf'."
            )
        return body

    def _remember(self, number: int, body: bytes) -> None:
        if number in self._cache:
            self._cache.move_to_end(number)
            return
        self._cache[number] = body
        self._cached += len(body)
        while self._cached > _CACHE_BYTES and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached -= len(dropped)

    # -- rows

    def _row(self, number: int, oid: bytes) -> NewRow:
        kind = self.found.kinds[oid]
        depth = self._depths[number] % (STORED_DEPTH + 1)
        if self._pack.kind(number) is None and depth == 0:
            return whole_row(oid, kind, self._body(number))
        body = self._body(number) if kind is Kind.COMMIT else b""
        base = self._outside.get(number)
        if self._bases[number] >= 0:
            base = self._oid(self._bases[number])
        z_size = self._pack.size(number)
        size = z_size if base is None else delta_sizes(self._pack.data(number))[1]
        return NewRow(oid, kind, size, self._pack.stream(number), base, z_size, depth, body)

    def _oid(self, number: int) -> bytes:
        oid = self._oids[number]
        assert oid is not None
        return oid
