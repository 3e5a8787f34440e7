"""MB/s of a 1 GB file: up by LFS and by Xet, down by plain GET, and nginx as the ceiling.

Downloads read into one buffer and throw it away, so that the server is what is measured. Uploads
send a file from memory. `sha256` is how fast this machine hashes, the floor of any checked ingest.
"""

import hashlib
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.rig.harness import Bench, hub, interleaved, median, report, timed
from benchmarks.rig.nginx import nginx

GB = 1 << 30
MB = 1e6
ROUNDS = 5
PIECE = 1 << 20


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, hub() as bench:
        big = random_file(Path(folder, "big.bin"))
        rows = [hashing(big), *uploads(bench, big)]
        with nginx({"big.bin": big}) as ceiling:
            rows += downloads(bench, ceiling)
    report("transfer", rows)


def random_file(path: Path) -> Path:
    """A file no compression can shrink."""
    with path.open("wb") as file:
        for _ in range(GB // (16 * PIECE)):
            file.write(os.urandom(16 * PIECE))
    return path


def hashing(big: Path) -> dict[str, object]:
    """SHA-256 alone, from the page cache."""
    with big.open("rb") as file:
        seconds = timed(lambda: hashlib.file_digest(file, "sha256"))
    return {"what": "sha256 alone", "MB/s": GB / seconds / MB}


def uploads(bench: Bench, big: Path) -> Iterator[dict[str, object]]:
    """One upload each way, to a repo that has never seen the bytes."""
    for name, send in (("LFS PUT", put_lfs), ("Xet, huggingface_hub", put_xet)):
        repo = bench.create("up-" + name.split(maxsplit=1)[0].rstrip(",").lower())
        with big.open("rb") as file:
            oid = hashlib.file_digest(file, "sha256").hexdigest()
        before, started = bench.cpu(), time.perf_counter()
        send(bench, repo, big, oid)
        seconds, cpu = time.perf_counter() - started, bench.cpu() - before
        yield {
            "what": f"upload, {name}",
            "MB/s": GB / seconds / MB,
            "MB per server CPU s": GB / cpu / MB,
        }


def put_lfs(bench: Bench, repo: str, big: Path, oid: str) -> None:
    """Upload as git-lfs does: batch, then one PUT."""
    with bench.client() as client:
        wanted = {"operation": "upload", "objects": [{"oid": oid, "size": GB}]}
        batch = client.post(f"/{repo}.git/info/lfs/objects/batch", json=wanted).json()
        action = batch["objects"][0]["actions"]["upload"]
        headers = {**action.get("header", {}), "Content-Length": str(GB)}
        with big.open("rb") as file:
            body = iter(lambda: file.read(PIECE), b"")
            client.put(action["href"], content=body, headers=headers).raise_for_status()


def put_xet(bench: Bench, repo: str, big: Path, _oid: str) -> None:
    """Upload with the unmodified client."""
    from huggingface_hub import HfApi

    api = HfApi(bench.url, token=bench.token)
    api.upload_file(path_or_fileobj=big, path_in_repo="big.bin", repo_id=repo)


def downloads(bench: Bench, ceiling: str) -> list[dict[str, object]]:
    """The same file from us (stored whole, stored as xorbs) and from nginx, in turn."""
    lfs = link_lfs(bench)
    cases = {
        "nginx": f"{ceiling}/big.bin",
        "ours, stored whole": f"{bench.url}/{lfs}/resolve/main/big.bin",
        "ours, stored as xorbs": f"{bench.url}/ada/up-xet/resolve/main/big.bin",
    }
    actions = {name: (lambda url=url: drain(url)) for name, url in cases.items()}
    seconds = {name: median(times) for name, times in interleaved(ROUNDS, **actions).items()}
    return [
        {"what": f"download, {name}", "MB/s": GB / took / MB, "of nginx": seconds["nginx"] / took}
        for name, took in seconds.items()
    ]


def link_lfs(bench: Bench) -> str:
    """Commit a reference to the file that came by LFS."""
    import json

    repo = "ada/up-lfs"
    (stored,) = [path for path in (bench.data / "store" / "sha256").rglob("*") if path.is_file()]
    file = {"path": "big.bin", "algo": "sha256", "oid": stored.name, "size": GB}
    lines = [
        {"key": "header", "value": {"summary": "Add"}},
        {"key": "lfsFile", "value": file},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    with bench.client() as client:
        client.post(f"/api/models/{repo}/commit/main", content=body).raise_for_status()
    return repo


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
