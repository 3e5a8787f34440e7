"""Sentence vectors of texts of mixed lengths: Reprise's pipeline against what people use.

All-MiniLM-L6-v2 in fp32, on the same files and texts, one route after the other in every round:
`sentence-transformers` as it comes (batches of 32, sorted), the `feature-extraction` pipeline of
transformers as it comes (one text at a time) with mean and norm on top, and Reprise's
`sentence-similarity` pipeline on the onnx engine. All must give the same vectors.

    python -m benchmarks.pipelines
"""

import csv
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="true")

import numpy as np

from benchmarks.first_answer import model_folder
from benchmarks.rig.harness import report

ROUNDS = 3
TEXTS = 60
_SOURCE = Path(__file__).parents[1] / "examples" / "banking77" / "train.csv"
Route = Callable[[list[str]], np.ndarray]


def main() -> None:
    """Measure and print."""
    folder, texts = model_folder(), mixed(TEXTS)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        routes = {"reprise": reprise(folder), "sentence-transformers": sentences(folder),
                  "transformers pipeline": transformers(folder)}  # fmt: skip
        check_equal({name: route(texts[:40]) for name, route in routes.items()})
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in routes}
        for _ in range(ROUNDS):
            for name, route in routes.items():
                wall, cpu = time.perf_counter(), time.process_time()
                route(texts)
                found[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    report("pipelines", rows(found))


def mixed(count: int) -> list[str]:
    """Texts of one to about twenty sentences, short ones being the most, in random order."""
    with _SOURCE.open(newline="") as file:
        sentences = [row["text"] for row in csv.DictReader(file)]
    drawn = random.Random(7)
    drawn.shuffle(sentences)
    source = iter(sentences)
    sizes = [min(20, 1 + int(drawn.expovariate(0.3))) for _ in range(count)]
    return [" ".join(next(source) for _ in range(size)) for size in sizes]


def reprise(folder: str) -> Route:
    """Reprise's pipeline."""
    from reprise.tasks import pipeline

    return pipeline("sentence-similarity", folder, engine="onnx", progress=False).encode  # type: ignore[attr-defined]


def sentences(folder: str) -> Route:
    """sentence-transformers, as it comes."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    return lambda texts: np.asarray(model.encode(texts, show_progress_bar=False))


def transformers(folder: str) -> Route:
    """The pipeline of transformers, as it comes; its vectors pooled by hand."""
    from transformers import pipeline

    pipe = pipeline("feature-extraction", folder, device="cpu")

    def encode(texts: list[str]) -> np.ndarray:
        states = pipe(texts, truncation=True, tokenize_kwargs={"max_length": 256},
                      return_tensors=True)  # fmt: skip
        vectors = np.stack([each[0].numpy().mean(0) for each in states])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    return encode


def check_equal(found: dict[str, np.ndarray]) -> None:
    """End with an error when routes gave different vectors."""
    reference = found["sentence-transformers"]
    for name, vectors in found.items():
        off = float(np.abs(vectors - reference).max())
        if off > 2e-6:
            sys.exit(f"{name} is off by {off:.1e}")


def rows(found: dict[str, list[tuple[float, float]]]) -> list[dict[str, object]]:
    """Medians, and how many times faster Reprise was in the same round."""
    own = found["reprise"]
    return [
        {
            "route": name,
            "wall s": round(statistics.median(wall for wall, _ in runs), 3),
            "cpu s": round(statistics.median(cpu for _, cpu in runs), 3),
            "texts/s": round(TEXTS / statistics.median(wall for wall, _ in runs)),
            "reprise is faster": round(
                statistics.median(a[0] / b[0] for a, b in zip(runs, own, strict=True)), 2
            ),
            "by cpu": round(
                statistics.median(a[1] / b[1] for a, b in zip(runs, own, strict=True)), 2
            ),
        }
        for name, runs in found.items()
    ]


if __name__ == "__main__":
    main()
