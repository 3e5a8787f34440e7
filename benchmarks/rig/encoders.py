"""One way to make sentence vectors, as a process of its own that answers on stdin and stdout.

    python -m benchmarks.rig.encoders ROUTE FOLDER

ROUTE is the program and the type of its weights, `reprise:int8`. Each line in is
{"texts": […], "vectors": whether they are wanted}; each line out says the seconds it took and the
most memory the process had so far.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rig.turns import Route, answer

THREADS = int(os.environ.get("BENCH_THREADS", "2"))
Encode = Callable[[list[str]], np.ndarray]


def reprise(folder: Path, dtype: str) -> Encode:
    """Reprise's pipeline, on the onnx engine."""
    from reprise.tasks import pipeline

    few = {} if dtype == "float32" else {"dtype": dtype}
    return pipeline("sentence-similarity", str(folder), engine="onnx", threads=THREADS,  # type: ignore[attr-defined]
                    progress=False, **few).encode  # fmt: skip


def sentences(folder: Path, _: str) -> Encode:
    """sentence-transformers, as it comes."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    model = SentenceTransformer(str(folder), device="cpu")
    return lambda texts: np.asarray(model.encode(texts, show_progress_bar=False))


def transformers(folder: Path, _: str) -> Encode:
    """The pipeline of transformers, as it comes; its vectors pooled by hand."""
    import torch
    from transformers import pipeline

    torch.set_num_threads(THREADS)
    pipe = pipeline("feature-extraction", str(folder), device="cpu")

    def encode(texts: list[str]) -> np.ndarray:
        states = pipe(texts, truncation=True, tokenize_kwargs={"max_length": 256},
                      return_tensors=True)  # fmt: skip
        vectors = np.stack([each[0].numpy().mean(0) for each in states])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    return encode


ROUTES: dict[str, Callable[[Path, str], Encode]] = {
    "reprise": reprise, "sentence-transformers": sentences, "transformers pipeline": transformers,
}  # fmt: skip


def _asked(ready: Callable[[Path, str], Encode]) -> Callable[[Path, str], Route]:
    def made(folder: Path, dtype: str) -> Route:
        encode = ready(folder, dtype)

        def route(question: dict[str, Any]) -> Any:
            vectors = encode(question["texts"])
            return vectors.tolist() if question["vectors"] else None

        return route

    return made


if __name__ == "__main__":
    answer({name: _asked(ready) for name, ready in ROUTES.items()})
