"""Ask the reference implementation for the outputs of every case, and keep them.

Run from the root of the repository, with transformers installed:

    python -m tests.golden.make_models [NAME …]

Cases marked "4" need version 4 of transformers (4.35.2 made those in git); they are skipped by
version 5 and the other way round.
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

from tests.model_cases import CASES, Case
from tests.seeded_models import GOLDEN, inputs, sample, weights

# Tables that are computed: a file need not have them.
_COMPUTED = re.compile(r"^(pegasus|marian) .*embed_positions")
VERSION = transformers.__version__.partition(".")[0]


def reference(case: Case, head: str, folder: Path) -> Any:
    """Build the reference's model with seeded weights, by the names it has on disk."""
    config = transformers.CONFIG_MAPPING[case.model_type](**case.config)
    config._attn_implementation = "eager"
    made = class_of(case, head)(config)
    if VERSION == "4":
        return filled(made, folder).eval()
    made.save_pretrained(folder)
    path = folder / "model.safetensors"
    stored = {name: weights(name, t.shape) for name, t in load_file(path).items()
              if not _COMPUTED.search(f"{case.model_type} {name}")}  # fmt: skip
    save_file(stored, path, metadata={"format": "pt"})
    return class_of(case, head).from_pretrained(folder, attn_implementation="eager").eval()


def filled(model: Any, folder: Path) -> Any:
    """Fill a model of version 4 where it stands, and write the file it cannot: ties once."""
    stored = {name: weights(name, tuple(p.shape)) for name, p in model.named_parameters()}
    for name, parameter in model.named_parameters():
        parameter.data.copy_(torch.from_numpy(stored[name]))
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    return model


def class_of(case: Case, head: str) -> Any:
    """Find the reference's class for a head."""
    from reprise.models.families import family_of

    return getattr(transformers, f"{family_of(case.model_type).prefix}{head}")


def main(names: list[str]) -> None:
    """Make the files of some cases, or of all."""
    for case in CASES:
        if (names and case.name not in names) or case.reference != VERSION:
            continue
        shapes: dict[str, Any] = {}
        kept: dict[str, np.ndarray] = {}
        for head in case.heads:
            with tempfile.TemporaryDirectory() as folder, torch.no_grad():
                model = reference(case, head, Path(folder))
                given = {k: torch.tensor(v) for k, v in inputs(case, head).items()}
                stored = load_file(Path(folder) / "model.safetensors")
            with torch.no_grad():
                output = model(**given)
            shapes[head] = {name: list(t.shape) for name, t in sorted(stored.items())}
            for field, given_back in output.items():
                value = torch.stack(list(given_back)) if field == "mems" else given_back
                if isinstance(value, torch.Tensor) and value.is_floating_point():
                    kept[f"{head}/{field}/shape"] = np.array(value.shape, dtype=np.int64)
                    kept[f"{head}/{field}/sample"] = sample(value.numpy(), inputs(case, head))
        text = json.dumps(shapes, separators=(",", ":"))
        (GOLDEN / f"{case.name}.json").write_text(text + "\n")
        np.savez_compressed(GOLDEN / f"{case.name}.npz", **kept)
        print(f"{case.name}: {', '.join(case.heads)}")


if __name__ == "__main__":
    main(sys.argv[1:])
