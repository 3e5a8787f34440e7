"""One way to make sentence vectors, as a process of its own that answers on stdin and stdout.

    python -m benchmarks.rig.encoders ROUTE FOLDER

ROUTE is the program and the type of its weights, `reprise:int8`. Each line in is
{"texts": […], "vectors": whether they are wanted}; each line out says the seconds it took and the
most memory the process had so far.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.rig.turns import answers, memory, tell

THREADS = int(os.environ.get("BENCH_THREADS", "2"))
Route = Callable[[list[str]], np.ndarray]


def main() -> None:
    """Answer until stdin ends."""
    name, dtype = sys.argv[1].split(":")
    out = answers()
    route = ROUTES[name](Path(sys.argv[2]), dtype)
    tell(out, {"ready": sys.argv[1]})
    for line in sys.stdin:
        asked = json.loads(line)
        started, used = time.perf_counter(), time.process_time()
        vectors = route(asked["texts"])
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        shown = {"vectors": vectors.tolist()} if asked["vectors"] else {}
        tell(out, {"seconds": seconds, "cpu": cpu, **memory(), **shown})


def reprise(folder: Path, dtype: str) -> Route:
    """Reprise's pipeline, on the onnx engine."""
    from reprise.tasks import pipeline

    few = {} if dtype == "float32" else {"dtype": dtype}
    return pipeline("sentence-similarity", str(folder), engine="onnx", threads=THREADS,  # type: ignore[attr-defined]
                    progress=False, **few).encode  # fmt: skip


def sentences(folder: Path, _: str) -> Route:
    """sentence-transformers, as it comes."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    model = SentenceTransformer(str(folder), device="cpu")
    return lambda texts: np.asarray(model.encode(texts, show_progress_bar=False))


def transformers(folder: Path, _: str) -> Route:
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


ROUTES: dict[str, Callable[[Path, str], Route]] = {
    "reprise": reprise, "sentence-transformers": sentences, "transformers pipeline": transformers,
}  # fmt: skip

if __name__ == "__main__":
    main()
