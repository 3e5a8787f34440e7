"""Requests per second on one core: model info, HEAD and GET of a small file by resolve.

The server runs on core 0 alone, the load generator on another. Peer: nginx answering a static
file of the same size on the same core, as the ceiling of what any server could do there.
"""

import os
import selectors
import socket
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.rig.harness import Bench, hub, report
from benchmarks.rig.nginx import nginx

CONNECTIONS = 16
SECONDS = 3.0
ROUNDS = 3


def main() -> None:
    """Measure and print."""
    with hub(core=0) as bench:
        repo = bench.create("bert")
        fill(bench, repo)
        info = bench.client().get(f"/api/models/{repo}").content
        head = f"Authorization: Bearer {bench.token}\r\n"
        cases = {
            "model info": request("GET", f"/api/models/{repo}"),
            "model info, signed in": request("GET", f"/api/models/{repo}", head),
            "resolve HEAD": request("HEAD", f"/{repo}/resolve/main/config.json"),
            "resolve GET": request("GET", f"/{repo}/resolve/main/config.json"),
            "health": request("GET", "/health"),
        }
        os.sched_setaffinity(0, {1})
        with nginx({"info.json": info}, core=0) as ceiling:
            rows = measure(bench, cases, ceiling)
    report("metadata", rows)


def fill(bench: Bench, repo: str) -> None:
    """Commit a model repo of ordinary shape."""
    from huggingface_hub import CommitOperationAdd, HfApi

    files = {f"file{i}.json": b"{}" for i in range(12)}
    card = b"---\nlicense: mit\npipeline_tag: fill-mask\n---\n# A model\n"
    files |= {"config.json": b'{"model_type": "bert", "hidden_size": 32}', "README.md": card}
    adds = [CommitOperationAdd(path, data) for path, data in files.items()]
    HfApi(bench.url, token=bench.token).create_commit(repo, adds, commit_message="Fill")


def measure(bench: Bench, cases: dict[str, bytes], ceiling: str) -> list[dict[str, object]]:
    """Run the cases in turn, several rounds each."""
    counts: dict[str, list[float]] = {name: [] for name in [*cases, "nginx, static"]}
    cpu = dict.fromkeys(counts, 0.0)
    for _ in range(ROUNDS):
        for name, raw in cases.items():
            before = bench.cpu()
            counts[name].append(load(bench.url, raw))
            cpu[name] += bench.cpu() - before
        counts["nginx, static"].append(load(ceiling, request("GET", "/info.json")))
    best = {name: max(values) for name, values in counts.items()}
    return [
        {
            "request": name,
            "per second": round(sorted(values)[len(values) // 2]),
            "best": round(best[name]),
            "server cpu us": round(cpu[name] / (SECONDS * sum(values)) * 1e6) or None,
            "of nginx": best[name] / best["nginx, static"],
        }
        for name, values in counts.items()
    ]


def request(method: str, path: str, headers: str = "") -> bytes:
    """Write one HTTP/1.1 request with keep-alive."""
    return f"{method} {path} HTTP/1.1\r\nHost: hub\r\n{headers}\r\n".encode()


def load(url: str, raw: bytes) -> float:
    """Send one request again and again over several connections; return answers per second."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    selector = selectors.DefaultSelector()
    sockets = [socket.create_connection(address) for _ in range(CONNECTIONS)]
    for connection in sockets:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
    length = len(answer(sockets[0], raw))
    try:
        return _pump(selector, sockets, raw, length)
    finally:
        for connection in sockets:
            connection.close()


def answer(connection: socket.socket, raw: bytes) -> bytes:
    """Send one request and read its whole answer; every later answer has the same length."""
    connection.sendall(raw)
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    fields = [line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:]]
    wanted = 0 if raw.startswith(b"HEAD") else int(dict(fields)[b"content-length"])
    while len(body) < wanted:
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


def _pump(
    selector: selectors.BaseSelector, sockets: Sequence[socket.socket], raw: bytes, length: int
) -> float:
    got = dict.fromkeys(sockets, 0)
    done, started = 0, time.perf_counter()
    for connection in sockets:
        connection.sendall(raw)
    while (elapsed := time.perf_counter() - started) < SECONDS:
        for key, _ in selector.select(timeout=1):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            got[connection] += len(connection.recv(1 << 18))
            if got[connection] >= length:
                done, got[connection] = done + 1, 0
                connection.sendall(raw)
    return done / elapsed


if __name__ == "__main__":
    main()
