"""A worker under load of 32 clients: requests a second, the slowest in a hundred, memory.

Everything is on one machine: the clients (threads of this process), the hub, the worker and its
model. Sentences are encoded by MiniLM (`/v1/embeddings`), texts are written by an untrained Llama
of 30 million weights (`/v1/completions`, 24 tokens, greedy): all of them in one running batch, and
one after the other for comparison. Both answer the same.

    python -m benchmarks.worker
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.first_answer import model_folder
from benchmarks.rig.harness import Bench, hub, report

CLIENTS, NEW = 32, 24
SENTENCES, TEXTS = 640, 96  # requests of all clients together
_SIZES = {
    "vocab_size": 2000, "hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8,
    "intermediate_size": 1408, "max_position_embeddings": 512, "bos_token_id": None,
}  # fmt: skip
Row = dict[str, Any]


def main() -> None:
    """Measure and print."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder, hub() as bench:
        os.environ["HF_HOME"] = f"{folder}/hf"
        publish(bench, Path(model_folder()), "ada/minilm", "sentence-similarity")
        publish(bench, writer(Path(folder) / "writer"), "ada/writer", "text-generation")
        sentence = {"model": "ada/minilm", "input": "A man is eating food."}
        text = {"model": "ada/writer", "prompt": "My card", "max_tokens": NEW}
        with worker(bench) as pid:
            for clients, count in ((CLIENTS, SENTENCES), (1, SENTENCES // 8)):
                row, _ = load(bench, "/v1/embeddings", sentence, clients, count)
                found.append({"what": "sentences", **row, "MB": peak(pid)})
        answers = []
        for name, rows in (("together", 32), ("one by one", 1)):
            with worker(bench, "--rows", str(rows)) as pid:
                row, told = load(bench, "/v1/completions", text, CLIENTS, TEXTS)
                row["tokens/s"] = row["requests/s"] * NEW
                found.append({"what": f"texts, {name}", **row, "MB": peak(pid)})
                answers.append(told["choices"][0]["text"])
    assert answers[0] == answers[1], "a batch must write what one by one is written"
    report("worker", found)


def writer(folder: Path) -> Path:
    """Write an untrained model that writes."""
    from reprise.models import Config, LlamaForCausalLM
    from reprise.tokenizers import Tokenizer

    words = [f"word {number} of a text" for number in range(3000)]
    tokenizer = Tokenizer.train_new("BPE", words, vocab_size=2000, specials={"eos_token": "<end>"})
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], **_SIZES}
    LlamaForCausalLM(Config(config), seed=1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    told = {"eos_token_id": None, "pad_token_id": None}  # every text has its full length
    (folder / "generation_config.json").write_text(json.dumps(told))
    return folder


def publish(bench: Bench, folder: Path, repo: str, task: str) -> None:
    """Put a folder on the hub."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=bench.url, token=bench.token)
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=folder, ignore_patterns=["*.py", "__pycache__/*"])
    card = f"---\npipeline_tag: {task}\n---\n".encode()
    api.upload_file(repo_id=repo, path_in_repo="README.md", path_or_fileobj=card)


@contextmanager
def worker(bench: Bench, *options: str) -> Iterator[int]:
    """Run a worker; gives its process id."""
    command = [sys.executable, "-m", "reprise"]
    token = subprocess.run(
        [*command, "token", "create", "ada", "--role", "worker", "--data", bench.data],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    process = subprocess.Popen(
        [*command, "-q", "worker", "--hub", bench.url, "--memory", "2GB", *options],
        env=os.environ | {"REPRISE_WORKER_TOKEN": token},
    )
    try:
        while bench.client().get("/info").json()["workers"] != 1:
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def load(bench: Bench, path: str, body: Row, clients: int, count: int) -> tuple[Row, Any]:
    """Let clients ask, each one request after the other; gives figures and the last answer."""
    ask(bench, path, body, 1)  # the model is loaded
    seconds: list[float] = []
    last: list[Any] = []

    def run() -> None:
        found, answer = ask(bench, path, body, count // clients)
        seconds.extend(found)
        last.append(answer)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - begin
    assert len(last) == clients, "a client failed"
    slowest = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    middle = statistics.median(seconds)
    return {"clients": clients, "requests/s": len(seconds) / wall, "p50 ms": 1e3 * middle,
            "p99 ms": 1e3 * slowest}, last[-1]  # fmt: skip


def ask(bench: Bench, path: str, body: Row, count: int) -> tuple[list[float], Any]:
    """Ask on one connection; gives the seconds of each request and the last answer."""
    parts = urlsplit(bench.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bench.token}"}
    data, seconds, answer = json.dumps(body).encode(), [], None
    for _ in range(count):
        begin = time.perf_counter()
        connection.request("POST", path, data, headers)
        response = connection.getresponse()
        told = response.read()
        seconds.append(time.perf_counter() - begin)
        assert response.status == 200, told
        answer = json.loads(told)
    connection.close()
    return seconds, answer


def peak(pid: int) -> int:
    """Add up the highest memory of a worker and of its models, in megabytes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    listed = [Path(f"/proc/{one}/task").glob("*/children") for one in (pid,)]
    for paths in listed:
        children += [child for path in paths for child in path.read_text().split()]
    found = 0
    for process in {str(pid), *children}:
        status = Path(f"/proc/{process}/status").read_text()
        found += int(status.split("VmHWM:")[1].split()[0])
    return found // 1024


if __name__ == "__main__":
    main()
