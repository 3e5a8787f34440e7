"""Ask the reference implementation what tiny models write, and keep it.

Run from the root of the repository, with transformers installed:

    python -m tests.golden.make_generation
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from tests.generation_cases import CALLS, answers, settings, single, writers
from tests.golden.make_models import VERSION, reference
from tests.model_cases import Case
from tests.seeded_models import GOLDEN

PATH = GOLDEN.parent / "generation.json"


def written(model: Any, case: Case, call: str) -> list[list[int]]:
    """Let the reference write behind each row alone."""
    found: list[list[int]] = []
    # Its cache of T5 is made for as many layers as the encoder has.
    more = {"use_cache": False} if case.model_type in {"t5", "mt5"} else {}
    for row in (0, 1):
        given = {k: torch.tensor(np.ascontiguousarray(v)) for k, v in single(case, row).items()}
        asked = settings(case, call) | more
        # Whisper's own method would cut the sound into windows first.
        generate = transformers.GenerationMixin.generate
        sequences = generate(model, **given, **asked).numpy()
        prompt = given["input_ids"].shape[1] if "input_ids" in given else 1
        found += answers(case, sequences, prompt)
    return found


def main() -> None:
    """Make the file."""
    kept = {}
    for case, head in writers(VERSION):
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            model = reference(case, head, Path(folder))
            kept[f"{case.name} {head}"] = {call: written(model, case, call) for call in CALLS}
        print(case.name, head)
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in kept.items()]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
