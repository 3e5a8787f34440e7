"""One way to write on behind prompts, as a process of its own that answers on stdin and stdout.

    python -m benchmarks.rig.decoders ROUTE FOLDER

ROUTE is the program and the type of its weights, `reprise:int4`; FOLDER holds what
`decoding_models` wrote. Each line in is {"rows": [[token, …], …], "new": count}; each line out says
the seconds it took, the tokens and the most memory the process had so far.
"""

import mmap
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.rig.turns import Route, answer

THREADS = int(os.environ.get("BENCH_THREADS", "2"))
FLOOR_BYTES = {"float32": 4, "int8": 1, "int4": 0.625}  # of a number; in 4 bits with its scale
_WIDTH = 1024  # numbers of a row that the floor reads
Rows = list[list[int]]
Write = Callable[[Rows, int], Rows]


def transformers(folder: Path, _: str) -> Write:
    """The reference, as it comes."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(THREADS)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def route(rows: Rows, new: int) -> Rows:
        ids = torch.tensor(rows)
        found = model.generate(  # type: ignore[misc]
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, min_new_tokens=new,
            do_sample=False, pad_token_id=0)  # fmt: skip
        return [row[ids.shape[1] :] for row in found.tolist()]

    return route


def reprise(folder: Path, dtype: str) -> Write:
    """Ours, on the onnx engine."""
    from reprise import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        folder, engine="onnx", dtype=dtype, threads=THREADS, cache_dir=folder / "cache"
    )

    def route(rows: Rows, new: int) -> Rows:
        found = model.generate(rows, max_new_tokens=new, min_new_tokens=new)
        return [row[len(rows[0]) :] for row in np.asarray(found).tolist()]

    return route


def ctranslate2(folder: Path, dtype: str) -> Write:
    """CTranslate2; its 8 bits are a scale for each row of a matrix."""
    import ctranslate2 as ct

    generator = ct.Generator(
        str(folder / "ctranslate2"), compute_type=dtype, intra_threads=THREADS, inter_threads=1
    )

    def route(rows: Rows, new: int) -> Rows:
        prompts = [[f"t{token}" for token in row] for row in rows]
        found = generator.generate_batch(
            prompts, max_length=new, min_length=new, sampling_topk=1, include_prompt_in_result=False
        )
        return [list(one.sequences_ids[0]) for one in found]

    return route


def llama(folder: Path, dtype: str) -> Write:
    """llama.cpp, all rows in one batch."""
    from benchmarks.rig.llama import Llama

    return Llama(folder / f"model-{dtype}.gguf", THREADS).write


def floor(folder: Path, dtype: str) -> Write:
    """Nobody reads the weights faster: a product with one vector, on pages of 2 MB."""
    import torch

    torch.set_num_threads(THREADS)
    numbers = (folder / "model.safetensors").stat().st_size // 4
    rows = int(numbers * FLOOR_BYTES[dtype]) // 4 // _WIDTH
    held = mmap.mmap(-1, rows * _WIDTH * 4)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        held.madvise(mmap.MADV_HUGEPAGE)
    weights = torch.frombuffer(held, dtype=torch.float32).fill_(1.0).view(rows, _WIDTH)
    vector = torch.ones(_WIDTH)

    def route(asked: Rows, new: int) -> Rows:
        for _ in range(new):
            weights @ vector
        return asked

    return route


ROUTES: dict[str, Callable[[Path, str], Write]] = {
    "transformers": transformers, "reprise": reprise, "ctranslate2": ctranslate2,
    "llama.cpp": llama, "floor": floor,
}  # fmt: skip


def _asked(ready: Callable[[Path, str], Write]) -> Callable[[Path, str], Route]:
    def made(folder: Path, dtype: str) -> Route:
        write = ready(folder, dtype)
        return lambda question: write(question["rows"], question["new"])

    return made


if __name__ == "__main__":
    answer({name: _asked(ready) for name, ready in ROUTES.items()})
