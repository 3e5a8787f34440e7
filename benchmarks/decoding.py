"""Tokens a second behind a prompt: float32, 8 and 4 bits, beside transformers and two peers.

Two shapes with weights drawn from a seed, GPT-2 small and Qwen2 0.5 B, batches of 1 and 8. Every
route is a process of its own, with as many threads as the others; they take turns in every round
while the others wait. A run is a prompt of 16 tokens and what is written behind it, all of it
timed. Every ratio is printed: of the best runs, and the median of those within a round. `floor`
computes nothing: it reads as many bytes as the weights have, once a token, for rows together.

    python -m benchmarks.decoding [--folder FOLDER] [--shape NAME] [--batch 1] [--rounds 5]
    python -m benchmarks.decoding --before CHECKOUT [--folder FOLDER] …

With --before only Reprise runs: as it is here, and as it is in another checkout.

BENCH_PEERS names an interpreter of the same version that has ctranslate2, llama-cpp-python and
gguf; it reads this one's packages, too. What it lacks is left out, and said so. With --folder the
checkpoints are kept there and not written again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rig.decoding_models import SHAPES
from benchmarks.rig.harness import median, report
from benchmarks.rig.turns import Process, asked, started

PROMPT = 16
NEW = {1: 64, 8: 16}  # tokens of a run, by rows
ROUTES = ("transformers:float32", "reprise:float32", "reprise:int8", "reprise:int4",
          "ctranslate2:float32", "ctranslate2:int8",
          "llama.cpp:f32", "llama.cpp:q8_0", "llama.cpp:q4_0",
          "floor:float32", "floor:int8", "floor:int4")  # fmt: skip
BITS = ("float32", "int8", "int4")
EQUAL = (("reprise:float32", "ctranslate2:float32"), ("reprise:float32", "llama.cpp:f32"),
         ("reprise:int8", "ctranslate2:int8"), ("reprise:int8", "llama.cpp:q8_0"),
         ("reprise:int4", "llama.cpp:q4_0"),
         *((f"reprise:{bits}", f"before:{bits}") for bits in BITS))  # fmt: skip
FIRST = "transformers:float32"
MODULES = {"ctranslate2": ("ctranslate2",), "llama.cpp": ("llama_cpp", "gguf")}
Runs = dict[str, list[dict[str, Any]]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--shape", action="append", choices=list(SHAPES))
    parser.add_argument("--batch", action="append", type=int, choices=list(NEW))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(_temporary()))
        for shape in options.shape or SHAPES:
            rows += measure(shape, folder / shape, options)
    report("decoding", rows)


def _temporary() -> Any:
    return tempfile.TemporaryDirectory(prefix="reprise-bench-")


def measure(shape: str, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure one shape."""
    both = [f"{which}:{bits}" for bits in BITS for which in ("before", "reprise")]
    routes = [route for route in (both if options.before else ROUTES)
              if prepared(shape, folder, route.partition(":")[0])]  # fmt: skip
    found: list[dict[str, Any]] = []
    with ExitStack() as stack:
        workers = {route: stack.enter_context(worker(route, folder, options.before))
                   for route in routes}  # fmt: skip
        for batch in options.batch or list(NEW):
            runs = take_turns(workers, shape, batch, options.rounds)
            found += lines(f"{shape}, {batch}", batch, runs)
    return found


def prepared(shape: str, folder: Path, program: str) -> bool:
    """Write what a program reads, unless it is there; False when the program is not."""
    if program in MODULES and not _has(MODULES[program]):
        print(f"{program} is left out: BENCH_PEERS names no interpreter that has it.")
        return False
    kind = program if program in MODULES else "own"
    done = folder / f".{kind}"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["-m", "benchmarks.rig.decoding_models", shape, str(folder), kind]
        subprocess.run([_python(program), *command], check=True, env=_environment())
        done.touch()
    return True


def _has(modules: Sequence[str]) -> bool:
    code = "import " + ", ".join(modules)
    return not subprocess.run([_python("peer"), "-c", code], env=_environment(), check=False,
                              capture_output=True).returncode  # fmt: skip


def _python(program: str) -> str:
    ours = program not in MODULES and program != "peer"
    return sys.executable if ours else os.environ.get("BENCH_PEERS", sys.executable)


def _environment(before: Path | None = None) -> dict[str, str]:
    first = [str(before.resolve() / "src")] if before else []
    path = os.pathsep.join([*first, str(Path.cwd()), *filter(None, sys.path)])
    return os.environ | {"PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}


def worker(route: str, folder: Path, before: Path | None) -> AbstractContextManager[Process]:
    """Start a route."""
    program, _, bits = route.partition(":")
    own = f"reprise:{bits}" if program == "before" else route
    command = [_python(program), "-m", "benchmarks.rig.decoders", own, folder]
    environment = _environment(before if program == "before" else None)
    return started(route, list(map(str, command)), environment)


def take_turns(workers: dict[str, Process], shape: str, batch: int,
               rounds: int) -> Runs:  # fmt: skip
    """Let every route write in every round; the first round only warms up."""
    vocabulary = SHAPES[shape]["vocab_size"]
    prompts = np.random.default_rng(batch).integers(1, vocabulary, (batch, PROMPT)).tolist()
    runs: Runs = {route: [] for route in workers}
    for number in range(rounds + 1):
        new = NEW[batch] if number else 4
        for route, process in workers.items():
            found = asked(process, {"rows": prompts, "new": new})
            if number:
                runs[route].append(found)
        print(f"{shape}, batch {batch}: round {number} of {rounds}", flush=True)
    return runs


def lines(what: str, batch: int, runs: Runs) -> list[dict[str, Any]]:
    """One line a route, then the ratios at equal bits."""
    tokens = batch * NEW[batch]
    best = {route: min(run["seconds"] for run in found) for route, found in runs.items()}
    found = []
    for route, own in runs.items():
        found.append({
            "shape, batch": what, "route": route,
            "tokens/s, best": round(tokens / best[route], 1),
            "median": round(tokens / median([run["seconds"] for run in own]), 1),
            "times transformers, best": _ratio(best, FIRST, route),
            "within rounds": _within(runs, FIRST, route),
            "cpu ms a token, least": round(min(run["cpu"] for run in own) / tokens * 1e3, 2),
            "peak MB": own[-1]["peak"], "of it own": own[-1]["own"],
            "same text": None if route.startswith("floor") else _same(runs, route),
        })  # fmt: skip
    for ours, theirs in EQUAL:
        if ours in runs and theirs in runs:
            found.append({"shape, batch": what, "route": f"{ours} / {theirs}",
                          "times transformers, best": _ratio(best, theirs, ours),
                          "within rounds": _within(runs, theirs, ours)})  # fmt: skip
    return found


def _ratio(best: dict[str, float], slower: str, faster: str) -> float | None:
    return round(best[slower] / best[faster], 2) if slower in best else None


def _within(runs: Runs, slower: str, faster: str) -> float | None:
    if slower not in runs:
        return None
    pairs = zip(runs[slower], runs[faster], strict=True)
    return round(median([one["seconds"] / other["seconds"] for one, other in pairs]), 2)


def _same(runs: Runs, route: str) -> float | None:
    """Share of tokens before the first that differs from transformers', over all rows."""
    if FIRST not in runs:
        return None
    pairs = zip(runs[FIRST][0]["found"], runs[route][0]["found"], strict=True)
    shares = []
    for left, right in pairs:
        equal = [a == b for a, b in zip(left, right, strict=False)]
        shares.append((equal.index(False) if False in equal else len(left)) / len(left))
    return round(sum(shares) / len(shares), 2)


if __name__ == "__main__":
    main()
