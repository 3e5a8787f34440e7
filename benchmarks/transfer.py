"""MB/s of 1 GB files: up by LFS and by Xet, down by plain GET, and nginx as the ceiling.

Uploads come from memory over plain sockets, each a file the hub has never seen; the answer means
that the bytes are checked, on disk and flushed. `sha256` is how fast this machine hashes in the
same minute, the floor of any checked ingest. Downloads read into one buffer and throw it away. The
file stored as xorbs is another one than the file stored whole: the hub sends what it has whole.
"""

import hashlib
import os
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.rig.harness import Bench, hub, interleaved, median, report, timed
from benchmarks.rig.nginx import nginx
from benchmarks.rig.uploads import Blocks, Sent, cut, put_lfs, put_xet

GB = 1 << 30
MB = 1e6
UPLOADS = 5
ROUNDS = 9
PIECE = 1 << 20


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, hub() as bench:
        big = random_file(Path(folder, "big.bin"))
        rows = [*uploads(bench), upload_by_client(bench, big)]
        with nginx({"big.bin": big}) as ceiling:
            rows += downloads(bench, ceiling)
    report("transfer", rows)


def random_file(path: Path) -> Path:
    """A file no compression can shrink."""
    with path.open("wb") as file:
        for _ in range(GB // (16 * PIECE)):
            file.write(os.urandom(16 * PIECE))
    return path


def uploads(bench: Bench) -> list[dict[str, object]]:
    """Several uploads each way, in turn with hashing alone."""
    hashing, lfs, xorbs, proofs = [], [], [], []
    for number in range(UPLOADS):
        file = Blocks(GB)
        hashing.append(file.size / timed(partial(hash_blocks, file)) / MB)
        lfs.append(put_lfs(bench, bench.create(f"up-lfs-{number}"), file))
        first, second = put_xet(bench, bench.create(f"up-xet-{number}"), cut(GB))
        xorbs.append(first)
        proofs.append(second)
    xet = [
        Sent(a.size, a.sent, a.answered + b.answered, a.cpu + b.cpu)
        for a, b in zip(xorbs, proofs, strict=True)
    ]
    floor = median(hashing)
    return [
        {"what": "sha256 alone", "MB/s": floor, "worst": min(hashing), "best": max(hashing)},
        upload_row("upload, LFS PUT", lfs, floor),
        upload_row("upload, LFS PUT, until the last byte", lfs, floor, lambda it: it.sent),
        upload_row("upload, Xet", xet, floor),
        upload_row("upload, Xet, the xorbs", xorbs, floor),
        upload_row("upload, Xet, the shard with the proof", proofs, floor),
    ]


def hash_blocks(file: Blocks) -> None:
    """Hash what is uploaded next."""
    digest = hashlib.sha256()
    for piece in file.pieces():
        digest.update(piece)


def upload_row(
    what: str,
    sent: Sequence[Sent],
    floor: float,
    seconds: Callable[[Sent], float] = lambda it: it.answered,
) -> dict[str, object]:
    """One line of the table."""
    speeds = [it.size / seconds(it) / MB for it in sent]
    return {
        "what": what,
        "MB/s": median(speeds),
        "worst": min(speeds),
        "best": max(speeds),
        "MB per server CPU s": median([it.size / it.cpu / MB for it in sent]),
        "of sha256": median(speeds) / floor,
    }


def upload_by_client(bench: Bench, big: Path) -> dict[str, object]:
    """Upload with the unmodified client, which shares the machine's cores with the hub."""
    from huggingface_hub import HfApi

    repo, api = bench.create("up-client"), HfApi(bench.url, token=bench.token)
    before, started = bench.cpu(), time.perf_counter()
    api.upload_file(path_or_fileobj=big, path_in_repo="big.bin", repo_id=repo)
    seconds, cpu = time.perf_counter() - started, bench.cpu() - before
    return {
        "what": "upload, Xet by huggingface_hub",
        "MB/s": GB / seconds / MB,
        "MB per server CPU s": GB / cpu / MB,
    }


def downloads(bench: Bench, ceiling: str) -> list[dict[str, object]]:
    """A file stored whole, one stored as xorbs, and one from nginx, in turn."""
    link_lfs(bench)
    cases = {
        "nginx": f"{ceiling}/big.bin",
        "ours, stored whole": f"{bench.url}/ada/up-lfs-0/resolve/main/big.bin",
        "ours, stored as xorbs": f"{bench.url}/ada/up-client/resolve/main/big.bin",
    }
    for url in cases.values():
        drain(url)  # from disk the first time
    cpu = dict.fromkeys(cases, 0.0)

    def action(name: str) -> Callable[[], None]:
        def run() -> None:
            before = bench.cpu()
            drain(cases[name])
            cpu[name] += bench.cpu() - before

        return run

    times = interleaved(ROUNDS, **{name: action(name) for name in cases})
    middle = {name: median(some) for name, some in times.items()}
    return [
        {
            "what": f"download, {name}",
            "MB/s": GB / middle[name] / MB,
            "worst": GB / max(some) / MB,
            "best": GB / min(some) / MB,
            "of nginx": middle["nginx"] / middle[name],
            "of nginx, best": min(times["nginx"]) / min(some),
            "server CPU s per GB": cpu[name] / ROUNDS or None,
        }
        for name, some in times.items()
    ]


def link_lfs(bench: Bench) -> None:
    """Commit a reference to the first file that came by LFS."""
    import json

    repo = "ada/up-lfs-0"
    stored = [path for path in (bench.data / "store" / "sha256").rglob("*") if path.is_file()]
    oid = min(stored, key=lambda path: path.stat().st_mtime).name
    file = {"path": "big.bin", "algo": "sha256", "oid": oid, "size": GB}
    lines = [
        {"key": "header", "value": {"summary": "Add"}},
        {"key": "lfsFile", "value": file},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    with bench.client() as client:
        client.post(f"/api/models/{repo}/commit/main", content=body).raise_for_status()


def drain(url: str) -> None:
    """GET a URL and throw the body away."""
    parts = urlsplit(url)
    buffer, got = bytearray(4 * PIECE), 0
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        while count := connection.recv_into(buffer):
            got += count
    assert got > GB, f"{url} sent {got} bytes"


if __name__ == "__main__":
    main()
