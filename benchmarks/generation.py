"""Tokens per second of greedy decoding, batch 1: Reprise's engines against transformers.

A GPT-2 of the small shape (124 million numbers, float32, drawn from a seed) is written once. All
routes are in one process and take turns in every round, each with two threads; each writes the same
tokens behind the same 16, and they have to be the same. `whole` counts the prompt's run too.

    python -m benchmarks.generation
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rig.harness import report

ROUNDS = 5
THREADS = int(os.environ.get("BENCH_THREADS", "2"))
PROMPT, NEW = 16, 64
SMALL = {"model_type": "gpt2", "n_positions": 1024, "vocab_size": 50257}
Route = Callable[[np.ndarray, int], list[int]]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        write(Path(folder))
        routes = {"transformers": theirs(folder), "reprise torch": ours(folder, "torch"),
                  "reprise onnx": ours(folder, "onnx")}  # fmt: skip
        ids = np.random.default_rng(0).integers(0, 50257, (1, PROMPT))
        texts = {name: route(ids, NEW) for name, route in routes.items()}
        if len({tuple(text) for text in texts.values()}) > 1:
            sys.exit(f"The routes write different texts: {texts}")
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in routes}
        for _ in range(ROUNDS):
            for name, route in routes.items():
                runs[name].append(clocked(route, ids))
    report("generation", rows(runs))


def write(folder: Path) -> None:
    """Write the checkpoint."""
    from reprise.models import Config, GPT2LMHeadModel

    GPT2LMHeadModel(Config(SMALL), seed=1).save_pretrained(folder)


def theirs(folder: str) -> Route:
    """Load with transformers."""
    import torch
    import transformers

    torch.set_num_threads(THREADS)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)

    def route(ids: np.ndarray, new: int) -> list[int]:
        found = model.generate(  # type: ignore[misc]
            torch.from_numpy(ids), max_new_tokens=new, min_new_tokens=new,
            do_sample=False, pad_token_id=0)  # fmt: skip
        return [int(token) for token in found[0, ids.shape[1] :]]

    return route


def ours(folder: str, engine: str) -> Route:
    """Load with one of our engines."""
    from reprise import AutoModelForCausalLM

    more: dict[str, Any] = {"threads": THREADS} if engine == "onnx" else {}
    model = AutoModelForCausalLM.from_pretrained(folder, engine=engine, **more)

    def route(ids: np.ndarray, new: int) -> list[int]:
        found = model.generate(ids, max_new_tokens=new, min_new_tokens=new)
        return [int(token) for token in found[0, ids.shape[1] :]]

    return route


def clocked(route: Route, ids: np.ndarray) -> tuple[float, float]:
    """Time one text: wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    route(ids, NEW)
    return time.perf_counter() - wall, time.process_time() - cpu


def rows(runs: dict[str, list[tuple[float, float]]]) -> list[dict[str, object]]:
    """Medians, and the ratio within each round."""
    peers = runs["transformers"]
    return [
        {
            "route": name,
            "tokens/s": round(NEW / statistics.median(r[0] for r in found), 1),
            "tokens/cpu s": round(NEW / statistics.median(r[1] for r in found), 1),
            "times faster": round(statistics.median(
                p[0] / r[0] for p, r in zip(peers, found, strict=True)), 2),
            "times less cpu": round(statistics.median(
                p[1] / r[1] for p, r in zip(peers, found, strict=True)), 2),
        }
        for name, found in runs.items()
    ]  # fmt: skip


if __name__ == "__main__":
    main()
