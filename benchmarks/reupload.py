"""Upload a model again with 1 % of its bytes changed: bytes sent and stored beside the ideal.

The client is the unmodified huggingface_hub, with an empty cache of its own each time, as a
colleague's would be. Two patterns: one run of changed bytes, and changes spread over the file in
runs of 64 KiB (a chunk is about that long, so spread changes touch up to two chunks each).
"""

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rig.harness import Bench, hub, report

SIZE = 100 << 20
CHANGED = SIZE // 100
RUN = 1 << 16

_UPLOAD = """
import sys
from huggingface_hub import HfApi
repo, path = sys.argv[1:]
HfApi().upload_file(path_or_fileobj=path, path_in_repo="model.safetensors", repo_id=repo)
"""


def main() -> None:
    """Measure and print."""
    base = random.Random(1).randbytes(SIZE)
    patterns = {
        "nothing changed": base,
        "1 % changed, one run": change(base, CHANGED),
        "1 % changed, spread": change(base, RUN),
    }
    with hub() as bench, tempfile.TemporaryDirectory() as folder:
        repo = bench.create("model")
        upload(bench, repo, Path(folder), base)
        rows = [measure(bench, repo, Path(folder), *case) for case in patterns.items()]
    report("reupload", rows)


def change(base: bytes, run: int) -> bytes:
    """Replace 1 % of the bytes in runs of a given length."""
    data, chance = bytearray(base), random.Random(2)
    for _ in range(CHANGED // run):
        start = chance.randrange(SIZE - run)
        data[start : start + run] = chance.randbytes(run)
    return bytes(data)


def measure(bench: Bench, repo: str, folder: Path, name: str, data: bytes) -> dict[str, object]:
    """Upload a version and see how much came in and how much the store grew."""
    stored = store_size(bench)
    sent = upload(bench, repo, folder, data)
    ideal = 0 if name.startswith("nothing") else CHANGED
    grown = store_size(bench) - stored
    return {
        "what": name,
        "sent MB": sent / 1e6,
        "stored MB": grown / 1e6,
        "ideal MB": ideal / 1e6,
        "sent / file": sent / SIZE,
    }


def upload(bench: Bench, repo: str, folder: Path, data: bytes) -> int:
    """Upload with a cold client; return the bytes the server received."""
    file = folder / "model.safetensors"
    file.write_bytes(data)
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"HF_HOME": home, "HF_ENDPOINT": bench.url, "HF_TOKEN": bench.token}
        before = received(bench)
        command = [sys.executable, "-c", _UPLOAD, repo, str(file)]
        subprocess.run(command, check=True, env=env, capture_output=True)
    return received(bench) - before


def received(bench: Bench) -> int:
    """Bytes of request bodies so far, as the server counts them."""
    with bench.client() as client:
        lines = client.get("/metrics").text.splitlines()
    name = "reprise_http_request_bytes_total"
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(name))


def store_size(bench: Bench) -> int:
    """Bytes below the store's folder."""
    files = (bench.data / "store").rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file())


if __name__ == "__main__":
    main()
