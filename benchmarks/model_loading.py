"""A 1.3 GB checkpoint into memory: Reprise against transformers.

A BERT of the large shape (335 million numbers, float32, drawn from a seed) is written once. Each
load is in a process of its own, run in turn, with torch and the library's package imported before
the clock starts and the file in the page cache; `first` is the first load of the process, with what
either library only then imports, `again` the second one.
Both must give the same answer.

    python -m benchmarks.model_loading
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rig.harness import report

ROUNDS = 5
LARGE = {
    "model_type": "bert", "hidden_size": 1024, "num_hidden_layers": 24,
    "num_attention_heads": 16, "intermediate_size": 4096,
}  # fmt: skip
_CLOCK = """
import json, time, torch
{imports}
found = {{}}
for name in ("first", "again"):
    wall, cpu = time.perf_counter(), time.process_time()
    model = load({folder!r})
    found[name] = time.perf_counter() - wall, time.process_time() - cpu
with torch.inference_mode():
    found["sum"] = float(model(torch.tensor([[2, 5, 7, 3]])).last_hidden_state.double().sum())
print(json.dumps(found))
"""
ROUTES = {
    "reprise": "import reprise\ndef load(folder):\n"
    "    return reprise.AutoModel.from_pretrained(folder, engine='torch')",
    "transformers": "import transformers\ndef load(folder):\n"
    "    return transformers.AutoModel.from_pretrained(folder)",
}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        write(Path(folder))
        runs: dict[str, list[dict[str, list[float]]]] = {name: [] for name in ROUTES}
        for _ in range(ROUNDS):
            for name, imports in ROUTES.items():
                runs[name].append(run(_CLOCK.format(imports=imports, folder=folder)))
    sums = {name: found[0]["sum"] for name, found in runs.items()}
    if abs(sums["reprise"] - sums["transformers"]) > 1e-2:  # type: ignore[operator]
        sys.exit(f"The answers differ: {sums}")
    report("model_loading", [row for which in ("first", "again") for row in rows(runs, which)])


def write(folder: Path) -> None:
    """Write the checkpoint."""
    from reprise.models import BertModel, Config

    BertModel(Config(LARGE)).save_pretrained(folder)


def run(code: str) -> dict[str, list[float]]:
    """Run code in a new interpreter; it prints its figures."""
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def rows(runs: dict[str, list[dict[str, list[float]]]], which: str) -> list[dict[str, object]]:
    """Medians, and the ratio within each round."""
    peers = runs["transformers"]
    return [
        {
            "load": which,
            "route": name,
            "wall s": round(statistics.median(r[which][0] for r in found), 3),
            "cpu s": round(statistics.median(r[which][1] for r in found), 3),
            "times faster": round(statistics.median(
                p[which][0] / r[which][0] for p, r in zip(peers, found, strict=True)), 1),
            "times less cpu": round(statistics.median(
                p[which][1] / r[which][1] for p, r in zip(peers, found, strict=True)), 1),
        }
        for name, found in runs.items()
    ]  # fmt: skip


if __name__ == "__main__":
    main()
