"""A fetch, from wants and haves to a pack: the part that every protocol version shares."""

from collections.abc import Iterable, Mapping, Set

from sqlalchemy import Connection

from reprise.base.errors import InvalidInput, RevisionNotFound
from reprise.registry.access import Repo
from reprise.registry.git import refs
from reprise.registry.git.advertise import shown_refs
from reprise.registry.git.fetch_request import FetchRequest
from reprise.registry.git.history import Node, graph, reachable
from reprise.registry.git.losses import has_garbage
from reprise.registry.git.objects import Kind, decode_tag
from reprise.registry.git.pack_writer import write_everything, write_some
from reprise.registry.git.pktline import Bands
from reprise.registry.git.selection import (
    Bounds,
    Wanted,
    select_objects,
    sort_wants,
    wants_everything,
)
from reprise.registry.git.shallow import Deepen, Edge, new_edge
from reprise.registry.git.store import GitStore


class Fetch:
    """One request against one snapshot of a repo."""

    def __init__(self, conn: Connection, repo: Repo, request: FetchRequest) -> None:
        self.store = GitStore(conn, repo.id)
        self.repo = repo
        self.request = request
        self.known = graph(self.store)
        self.clean = not has_garbage(conn, repo.id)
        self.wanted = self._check_wants()
        self.common = self._common()
        self.edge = self._edge()

    def ready(self) -> bool:
        """Tell whether every wanted commit leads back to one the client has."""
        above = _descendants(self.known, self.common)
        return bool(self.common) and self.wanted.commits <= above

    def send_pack(self, bands: Bands) -> None:
        """Choose the objects and send them."""
        bounds = self._bounds()
        if self._whole():
            count = write_everything(self.store, bands, blobs=not self.request.keep.no_blobs)
        else:
            chosen = select_objects(self.store, self.known, self.wanted, bounds, self.request.keep)
            if "include-tag" in self.request.words:
                chosen |= self._tags(chosen)
            count = write_some(self.store, chosen, bands)
        if "no-progress" not in self.request.words:
            bands.progress(f"Sent {count} objects.\n")

    # -- inside

    def _check_wants(self) -> Wanted:
        """Refuse what is absent, or can no longer be reached from any ref."""
        wanted = sort_wants(self.store, self.request.wants)
        if wanted.missing:
            raise _not_ours(wanted.missing)
        if self.clean:
            return wanted
        shown = shown_refs(self.store.conn, self.repo)
        tips = {ref.oid for ref in shown}
        outside = self.request.wants - tips - reachable(self.known, _commits(shown))
        if outside and (lost := outside - self._everything_reachable(tips)):
            raise _not_ours(lost)
        return wanted

    def _everything_reachable(self, tips: Set[bytes]) -> set[bytes]:
        return select_objects(self.store, self.known, sort_wants(self.store, tips), Bounds())

    def _common(self) -> list[bytes]:
        heads = self.store.heads(set(self.request.haves))
        return [oid for oid in dict.fromkeys(self.request.haves) if oid in heads]

    def _edge(self) -> Edge | None:
        request = self.request
        deepen = Deepen(
            request.depth,
            "deepen-relative" in request.words,
            request.since,
            tuple(self._excluded(name) for name in request.exclude),
        )
        if not deepen:
            return None
        return new_edge(self.known, self.wanted.commits, request.shallow, deepen)

    def _excluded(self, name: str) -> bytes:
        try:
            return refs.resolve(self.store.conn, self.repo, name)
        except RevisionNotFound:
            raise InvalidInput(f"deepen-not is not a ref: {name[:100]}") from None

    def _bounds(self) -> Bounds:
        had = reachable(self.known, self.common, stop=self.request.shallow)
        cut = self.edge.cut if self.edge is not None else self.request.shallow
        return Bounds(had, cut)

    def _whole(self) -> bool:
        """Tell whether the rows can go out as they are: a full clone of a clean repo."""
        request = self.request
        plain = not (request.haves or request.shallow or self.edge is not None)
        whole_filter = request.keep.tree_depth is None and request.keep.blob_limit in (None, 0)
        if not (plain and whole_filter and self.clean):
            return False
        kinds = {head.kind for head in self.store.heads(request.wants).values()}
        if not kinds <= {Kind.COMMIT, Kind.TAG} or self.wanted.trees:
            return False
        if request.keep.no_blobs and self._wants_blobs():
            return False
        return wants_everything(self.known, reachable(self.known, self.wanted.commits))

    def _wants_blobs(self) -> bool:
        heads = self.store.heads(self.wanted.objects)
        return any(head.kind is Kind.BLOB for head in heads.values())

    def _tags(self, chosen: Set[bytes]) -> set[bytes]:
        """Find annotated tags that mark something the client will have."""
        shown = shown_refs(self.store.conn, self.repo)
        added: set[bytes] = set()
        for ref in shown:
            if ref.peeled is not None and ref.peeled in chosen:
                added |= _tag_chain(self.store, ref.oid)
        return added


def _tag_chain(store: GitStore, oid: bytes) -> set[bytes]:
    chain: set[bytes] = set()
    while oid not in chain and store.heads([oid])[oid].kind is Kind.TAG:
        chain.add(oid)
        oid = decode_tag(store.read(oid).body).target
    return chain


def _commits(shown: Iterable[refs.Ref]) -> list[bytes]:
    return [ref.peeled or ref.oid for ref in shown]


def _descendants(known: Mapping[bytes, Node], starts: Iterable[bytes]) -> set[bytes]:
    children: dict[bytes, list[bytes]] = {}
    for oid, node in known.items():
        for parent in node.parents:
            children.setdefault(parent, []).append(oid)
    seen: set[bytes] = set()
    todo = [oid for oid in starts if oid in known]
    while todo:
        oid = todo.pop()
        if oid not in seen:
            seen.add(oid)
            todo += children.get(oid, [])
    return seen


def _not_ours(oids: Set[bytes]) -> InvalidInput:
    return InvalidInput(f"upload-pack: not our ref {min(oids).hex()}")
