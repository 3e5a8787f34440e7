"""Sentence vectors: Reprise's pipeline in float32 and 8 bits against what people use.

All-MiniLM-L6-v2, on the same files and texts: `sentence-transformers` as it comes (batches of 32,
sorted), the `feature-extraction` pipeline of transformers as it comes (one text at a time) with
mean and norm on top, and Reprise's `sentence-similarity` pipeline on the onnx engine. Every route
is a process of its own with two threads; they take turns in every round. In float32 all must give
the same vectors, within 2e-6; in 8 bits the smallest cosine is printed.

    python -m benchmarks.pipelines [--rounds 5]
"""

import argparse
import csv
import os
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.first_answer import model_folder
from benchmarks.rig.harness import median, report
from benchmarks.rig.turns import Process, asked, started

ROUTES = ("reprise:float32", "reprise:int8", "sentence-transformers:float32",
          "transformers pipeline:float32")  # fmt: skip
FIRST = "sentence-transformers:float32"
TEXTS = {"questions": 600, "mixed": 60, "many mixed": 300}
_SOURCE = Path(__file__).parents[1] / "examples" / "banking77" / "train.csv"
Runs = dict[str, list[dict[str, Any]]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rows: list[dict[str, object]] = []
    with ExitStack() as stack:
        cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="reprise-bench-"))
        workers = {route: stack.enter_context(worker(route, cache)) for route in ROUTES}
        for what, count in TEXTS.items():
            rows += lines(what, count, take_turns(workers, texts(what, count), rounds))
    report("pipelines", rows)


def texts(what: str, count: int) -> list[str]:
    """Questions as people ask them, or texts of one to about twenty of them in random order."""
    with _SOURCE.open(newline="") as file:
        sentences = [row["text"] for row in csv.DictReader(file)]
    drawn = random.Random(7)
    drawn.shuffle(sentences)
    if what == "questions":
        return sentences[:count]
    source = iter(sentences)
    sizes = [min(20, 1 + int(drawn.expovariate(0.3))) for _ in range(count)]
    return [" ".join(next(source) for _ in range(size)) for size in sizes]


def worker(route: str, cache: str) -> Any:
    """Start a route."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true",
                                "XDG_CACHE_HOME": cache}  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.rig.encoders", route, model_folder()]
    return started(route, command, environment)


def take_turns(workers: dict[str, Process], given: list[str], rounds: int) -> Runs:
    """Let every route encode in every round; the first round warms up, and compares."""
    found = {name: asked(process, {"texts": given, "vectors": True})
             for name, process in workers.items()}  # fmt: skip
    reference = np.array(found[FIRST]["found"])
    runs: Runs = {name: [] for name in workers}
    for _ in range(rounds):
        for name, process in workers.items():
            answer = asked(process, {"texts": given, "vectors": False})
            vectors = np.array(found[name]["found"])
            answer["off"] = float(np.abs(vectors - reference).max())
            answer["cosine"] = float((vectors * reference).sum(1).min())
            if name.endswith("float32") and answer["off"] > 2e-6:
                sys.exit(f"{name} is off by {answer['off']:.1e}")
            runs[name].append(answer)
    return runs


def lines(what: str, count: int, runs: Runs) -> list[dict[str, object]]:
    """Medians, and how many times faster than each peer in the same round."""

    def times(name: str, peer: str, key: str) -> float:
        pairs = zip(runs[peer], runs[name], strict=True)
        return round(median([theirs[key] / own[key] for theirs, own in pairs]), 2)

    return [
        {
            "texts": f"{count} {what}", "route": name,
            "seconds": round(median([run["seconds"] for run in own]), 3),
            "texts/s": round(count / median([run["seconds"] for run in own])),
            "times sentence-transformers": times(name, FIRST, "seconds"),
            "by cpu": times(name, FIRST, "cpu"),
            "times the pipeline": times(name, ROUTES[-1], "seconds"),
            "least cosine": round(own[0]["cosine"], 4), "peak MB": own[-1]["peak"],
        }
        for name, own in runs.items()
    ]  # fmt: skip


if __name__ == "__main__":
    main()
