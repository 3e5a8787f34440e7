"""Xet uploads made by hand, so that tests can lie where the real client would not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import httpx2

from reprise.formats.xet import hashes, shards, xorbs
from reprise.formats.xet.chunks import Scheme
from reprise.formats.xet.shards import FileInfo, Term
from reprise.formats.xet.xorbs import ChunkTable
from tests.factories import Hub

CHUNK = 10_000


@dataclass(frozen=True)
class Upload:
    """One file in one xorb, cut into chunks of `CHUNK` bytes."""

    data: bytes
    xorb: bytes
    table: ChunkTable
    name: bytes  # the xorb's hash
    file: FileInfo

    @property
    def first_chunk(self) -> bytes:
        """Hash of the file's first chunk."""
        return self.table.hash(0)

    def shard(self, **changes: object) -> bytes:
        """The shard that registers the file; keyword arguments change what it claims."""
        return shards.build([replace(self.file, **changes)], [(self.name, self.table)])


def make_upload(data: bytes, scheme: Scheme = Scheme.LZ4, *, runs: int = 1) -> Upload:
    """Cut bytes into a xorb and a file of `runs` terms."""
    parts = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    xorb, table = xorbs.build(parts, scheme)
    name = hashes.tree_hash(table.nodes(0, table.count))
    cuts = [table.count * run // runs for run in range(runs + 1)]
    spans = list(pairwise(cuts))
    terms = [Term(name, start, end, table.plain_length(start, end)) for start, end in spans]
    return Upload(data, xorb, table, name, make_file(terms, {name: table}))


def make_file(terms: Sequence[Term], tables: dict[bytes, ChunkTable]) -> FileInfo:
    """A file of any terms, with honest hashes."""
    nodes = (node for term in terms for node in tables[term.xorb].nodes(term.start, term.end))
    ranges = [
        hashes.range_hash(tables[term.xorb].slice_hashes(term.start, term.end)) for term in terms
    ]
    return FileInfo(hashes.file_hash(nodes), tuple(terms), tuple(ranges))


class Cas:
    """What a client does after it got a xet token for a repo."""

    def __init__(
        self, hub: Hub, repo: str, *, token: str | None = None, action: str = "write"
    ) -> None:
        with hub.client(token or hub.token) as client:
            answer = client.get(f"/api/models/{repo}/xet-{action}-token/main")
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["accessToken"]
        self.url = answer.json()["casUrl"]

    def request(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send anything with the xet token."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return httpx2.request(method, self.url + path, headers=headers, timeout=60, **more)

    def send_xorb(self, upload: Upload) -> httpx2.Response:
        """Upload a xorb under its name."""
        return self.post_xorb(upload.name, upload.xorb)

    def post_xorb(self, name: bytes, body: bytes) -> httpx2.Response:
        """Upload any bytes under any name."""
        path = f"/v1/xorbs/default/{hashes.to_text(name)}"
        return self.request("POST", path, content=body)

    def post_shard(self, body: bytes, version: int = 1) -> httpx2.Response:
        """Register files."""
        return self.request("POST", f"/v{version}/shards", content=body)

    def send(self, upload: Upload) -> None:
        """Upload a xorb and register its file."""
        assert self.send_xorb(upload).status_code == 200
        answer = self.post_shard(upload.shard())
        assert answer.status_code == 200, answer.text

    def query(self, chunk: bytes) -> httpx2.Response:
        """Ask who has a chunk."""
        return self.request("GET", f"/v1/chunks/default/{hashes.to_text(chunk)}")

    def reconstruct(self, file: bytes, version: int = 2, **headers: str) -> httpx2.Response:
        """Ask how to rebuild a file."""
        path = f"/v{version}/reconstructions/{hashes.to_text(file)}"
        return self.request("GET", path, headers=headers)
