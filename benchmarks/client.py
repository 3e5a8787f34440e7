"""The client: how fast commands start, whether processes mix repos up, what a snapshot takes.

Peer for the start is `hf` on the same interpreter. torch.hub's own figures for the same race, six
processes that load six repos on one branch name, were 2 wrong and 5 crashed of 48 loads.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.rig.harness import Bench, hub, report

ROUNDS = 7
PROCESSES = 6
RACES = 8
WEIGHTS = 50 << 20  # bytes
LOAD = """
import json, sys, reprise
for repo in json.loads(sys.argv[1]):
    print(json.dumps([repo, reprise.load(repo, "name", trust_repo=True)]))
"""


def main() -> None:
    """Measure and print."""
    with hub() as bench, tempfile.TemporaryDirectory() as folder:
        repos = publish(bench, Path(folder))
        report("client_start", starts(bench, repos[0], Path(folder)))
        report("client_races", [races(bench, repos, Path(folder))])
        report("client_disk", [disk(bench, repos[0], Path(folder))])


def publish(bench: Bench, folder: Path) -> list[str]:
    """Publish six repos whose modules have equal names; the first has weights."""
    repos = []
    for number in range(PROCESSES):
        made = folder / f"net{number}"
        (made / "models").mkdir(parents=True)
        (made / "models" / "__init__.py").write_text(f"NAME = 'net{number}'\n")
        code = "from models import NAME\n\n\ndef name():\n    'Say it.'\n    return NAME\n"
        (made / "hubconf.py").write_text(code)
        if number == 0:
            (made / "model.safetensors").write_bytes(os.urandom(WEIGHTS))
        repos.append(f"ada/net{number}")
        run(["reprise", "-q", "publish", str(made), repos[-1]], environment(bench, folder))
    return repos


def environment(bench: Bench, home: Path, **more: str) -> dict[str, str]:
    """A user's settings, all below one folder."""
    settings = {
        "HF_ENDPOINT": bench.url,
        "HF_TOKEN": bench.token,
        "HF_HOME": str(home / "hf"),
        "TORCH_HOME": str(home / "torch"),
        "REPRISE_TRUST_FILE": str(home / "trust.json"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return os.environ | settings | more


def run(command: list[str], env: dict[str, str]) -> float:
    """Run a command to its end; return wall seconds."""
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def starts(bench: Bench, repo: str, folder: Path) -> list[dict[str, object]]:
    """Time whole processes, interleaved."""
    local, env = str(folder / "net0"), environment(bench, folder / "start")
    offline = env | {"HF_HUB_OFFLINE": "1"}
    run(["reprise", "load", repo, "name", "--trust"], env)
    cases = {
        "python -c pass": (["python", "-c", "pass"], env),
        "reprise --help": (["reprise", "--help"], env),
        "reprise list FOLDER": (["reprise", "list", local], env),
        "reprise list, offline": (["reprise", "list", repo], offline),
        "reprise list, cached": (["reprise", "list", repo], env),
        "reprise load, cached": (["reprise", "load", repo, "name"], env),
        "hf --help": (["hf", "--help"], env),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (command, settings) in cases.items():
            seconds[name].append(run(command, settings))
    return [
        {"command": name, "median s": sorted(s)[ROUNDS // 2], "best s": min(s)}
        for name, s in seconds.items()
    ]


def races(bench: Bench, repos: list[str], folder: Path) -> dict[str, object]:
    """Let processes with one empty cache load all repos in different orders, again and again."""
    outcomes: Counter[str] = Counter()
    for race in range(RACES):
        env = environment(bench, folder / f"race{race}")
        orders = [repos[n:] + repos[:n] for n in range(PROCESSES)]
        running = [
            subprocess.Popen(
                [sys.executable, "-c", LOAD, json.dumps(order)], env=env, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            for order in orders
        ]  # fmt: skip
        for process in running:
            out, _ = process.communicate()
            answers = [json.loads(line) for line in out.splitlines()]
            for repo, name in answers:
                outcomes["right" if repo == f"ada/{name}" else "wrong"] += 1
            outcomes["crashed"] += len(repos) - len(answers)
    return {"loads": outcomes.total(), **{k: outcomes[k] for k in ("right", "wrong", "crashed")}}


def disk(bench: Bench, repo: str, folder: Path) -> dict[str, object]:
    """Count the blocks that both caches take after one load, with hard links counted once."""
    home = folder / "disk"
    run(["reprise", "load", repo, "name", "--trust"], environment(bench, home))
    blocks = {}
    for path in home.rglob("*"):
        status = path.lstat()
        blocks[status.st_ino] = status.st_blocks * 512
    taken = sum(blocks.values())
    return {"weights MB": WEIGHTS / 1e6, "both caches MB": taken / 1e6, "ratio": taken / WEIGHTS}


if __name__ == "__main__":
    main()
