"""Uploads from memory over plain sockets: a client that costs next to nothing.

HTTP libraries and hf-xet take as much processor time as the server and compete with it for the
same two cores; what they reach says more about them.
"""

import hashlib
import os
import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.rig.harness import Bench
from reprise.formats.xet import hashes, shards, xorbs
from reprise.formats.xet.chunks import Scheme
from reprise.formats.xet.shards import FileInfo, Term

_PIECE = 1 << 20
_BLOCK = 64 << 20
_CHUNK = 64 << 10
_CHUNKS = 1000  # in one xorb: as many of the usual size as fit
_CONNECTIONS = 4  # xorbs under way at a time


@dataclass(frozen=True)
class Sent:
    """Wall seconds until the last byte was sent and until the answer came; server CPU seconds."""

    size: int
    sent: float
    answered: float
    cpu: float


class Blocks:
    """A file of `size` bytes that no hub has seen: one random block again and again."""

    def __init__(self, size: int) -> None:
        self.block = memoryview(os.urandom(_BLOCK))
        self.times = size // _BLOCK
        self.size = self.times * _BLOCK
        digest = hashlib.sha256()
        for _ in range(self.times):
            digest.update(self.block)
        self.sha256 = digest.hexdigest()

    def pieces(self) -> Iterable[memoryview]:
        """The bytes, a megabyte at a time."""
        for _ in range(self.times):
            for at in range(0, _BLOCK, _PIECE):
                yield self.block[at : at + _PIECE]


def put_lfs(bench: Bench, repo: str, file: Blocks) -> Sent:
    """Upload as git-lfs does: ask, then one PUT. Only the PUT is timed."""
    with bench.client() as client:
        wanted = {"operation": "upload", "objects": [{"oid": file.sha256, "size": file.size}]}
        batch = client.post(f"/{repo}.git/info/lfs/objects/batch", json=wanted).json()
    parts = urlsplit(batch["objects"][0]["actions"]["upload"]["href"])
    cpu = bench.cpu()
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        started = time.perf_counter()
        line = f"PUT {parts.path}?{parts.query} HTTP/1.1"
        sent = _send(connection, line, file.size, file.pieces())
        return Sent(file.size, sent - started, time.perf_counter() - started, bench.cpu() - cpu)


@dataclass(frozen=True)
class XetFile:
    """A file cut into xorbs, and the shard that registers it."""

    xorbs: list[tuple[bytes, bytes]]  # hash and bytes
    shard: bytes
    size: int


def cut(size: int) -> XetFile:
    """Make a random file of about `size` bytes as a Xet client would upload it."""
    packed, terms, nodes, ranges, tables = [], [], [], [], []
    for _ in range(size // (_CHUNK * _CHUNKS)):
        blob = os.urandom(_CHUNK * _CHUNKS)
        parts = [blob[at : at + _CHUNK] for at in range(0, len(blob), _CHUNK)]
        data, table = xorbs.build(parts, Scheme.NONE)
        name = hashes.tree_hash(table.nodes(0, table.count))
        packed.append((name, data))
        tables.append((name, table))
        terms.append(Term(name, 0, table.count, len(blob)))
        nodes += list(table.nodes(0, table.count))
        ranges.append(hashes.range_hash(table.slice_hashes(0, table.count)))
    file = FileInfo(hashes.file_hash(nodes), tuple(terms), tuple(ranges))
    return XetFile(packed, shards.build([file], tables), sum(term.length for term in terms))


def put_xet(bench: Bench, repo: str, file: XetFile) -> tuple[Sent, Sent]:
    """Upload xorbs over a few connections, then the shard; returns what each of the two took."""
    with bench.client() as client:
        token = client.get(f"/api/models/{repo}/xet-write-token/main").json()["accessToken"]
    cpu, started = bench.cpu(), time.perf_counter()

    def post(path: str, data: bytes) -> float:
        view = memoryview(data)
        pieces = (view[at : at + _PIECE] for at in range(0, len(view), _PIECE))
        parts = urlsplit(bench.url)
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            line = f"POST {path} HTTP/1.1\r\nAuthorization: Bearer {token}"
            return _send(connection, line, len(data), pieces)

    def post_xorb(xorb: tuple[bytes, bytes]) -> float:
        return post(f"/cas/v1/xorbs/default/{hashes.to_text(xorb[0])}", xorb[1])

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        sent = max(pool.map(post_xorb, file.xorbs))
    done, between = time.perf_counter(), bench.cpu()
    first = Sent(file.size, sent - started, done - started, between - cpu)
    sent = post("/cas/v1/shards", file.shard)
    second = Sent(file.size, sent - done, time.perf_counter() - done, bench.cpu() - between)
    return first, second


def _send(connection: socket.socket, line: str, size: int, pieces: Iterable[memoryview]) -> float:
    """Send a request, wait for its answer, return when its last byte had been sent."""
    head = f"{line}\r\nHost: hub\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())
    for piece in pieces:
        connection.sendall(piece)
    sent = time.perf_counter()
    answer = b""
    while part := connection.recv(1 << 16):
        answer += part
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return sent
