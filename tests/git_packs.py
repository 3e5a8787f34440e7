"""Packs and pushes made by hand, honest or not."""

import hashlib
import tempfile
import zlib
from dataclasses import replace
from io import BytesIO

from reprise.registry import push
from reprise.registry.access import Repo
from reprise.registry.git.objects import (
    ZERO,
    Commit,
    Kind,
    Signature,
    encode_commit,
    object_id,
)
from reprise.registry.git.pack_writer import entry_head
from reprise.registry.git.pktline import packet
from reprise.registry.registry import Registry

MAIN = "refs/heads/main"
OFS_DELTA, REF_DELTA = 6, 7
EMPTY_TREE = object_id(Kind.TREE, b"")
WHO = Signature("Eve", "eve@example.org", 1_700_000_000)


def whole(kind: Kind, body: bytes, *, size: int | None = None) -> bytes:
    """A pack entry; `size` may lie."""
    return entry_head(kind, len(body) if size is None else size) + zlib.compress(body)


def delta(base: bytes | int, data: bytes) -> bytes:
    """A delta entry, by its base's id or by the distance to it (below 128)."""
    if isinstance(base, bytes):
        return entry_head(REF_DELTA, len(data)) + base + zlib.compress(data)
    return entry_head(OFS_DELTA, len(data)) + bytes([base]) + zlib.compress(data)


def pack(*entries: bytes, count: int | None = None) -> bytes:
    """A pack with a valid digest; `count` may lie."""
    number = len(entries) if count is None else count
    data = b"PACK" + (2).to_bytes(4, "big") + number.to_bytes(4, "big") + b"".join(entries)
    return data + hashlib.sha1(data).digest()


def commit_body(tree: bytes, *parents: bytes) -> bytes:
    """A commit of a tree."""
    return encode_commit(Commit(tree, parents, WHO, WHO, "A commit\n"))


def history(tree_body: bytes, *blobs: bytes) -> tuple[bytes, list[bytes]]:
    """A commit's id, and entries for it, its tree and blobs."""
    commit = commit_body(object_id(Kind.TREE, tree_body))
    entries = [whole(Kind.COMMIT, commit), whole(Kind.TREE, tree_body)]
    return object_id(Kind.COMMIT, commit), entries + [whole(Kind.BLOB, blob) for blob in blobs]


def file_entry(name: bytes, body: bytes, mode: bytes = b"100644") -> bytes:
    """An encoded tree entry for a blob."""
    return mode + b" " + name + b"\0" + object_id(Kind.BLOB, body)


def command(new: bytes | None, ref: str = MAIN, old: bytes | None = None) -> str:
    """The line that moves a ref."""
    return f"{(old or ZERO).hex()} {(new or ZERO).hex()} {ref}"


def send(registry: Registry, repo: Repo, commands: list[str], data: bytes, **limits: int) -> str:
    """Push, with other limits if wanted; returns the report, one line per packet."""
    lines = [f"{line}\0report-status" if n == 0 else line for n, line in enumerate(commands)]
    changed = replace(registry, limits=replace(registry.limits, **limits))
    out = BytesIO()
    with tempfile.TemporaryFile() as body:
        body.write(b"".join(packet(line) for line in lines) + b"0000" + data)
        body.seek(0)
        push.receive(changed, lambda _conn: repo, body, out)
    return report(out.getvalue())


def report(data: bytes) -> str:
    """The packets of a report as text."""
    lines = []
    while data and data != b"0000":
        size = int(data[:4], 16)
        lines.append(data[4:size].decode())
        data = data[size:]
    return "".join(lines)
