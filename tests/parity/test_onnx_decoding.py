"""Decoding in place and in few bits beside the reference."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM as Theirs

from reprise.models import AutoModelForCausalLM
from reprise.models.measuring import measure_loss
from reprise.models.onnx.fast import BufferedSteps, fits
from tests.golden.make_models import reference
from tests.onnx_models import case_named

FAMILIES = {"gpt2": "LMHeadModel", "llama": "ForCausalLM", "mistral": "ForCausalLM",
            "qwen2": "ForCausalLM", "qwen3": "ForCausalLM", "gemma2": "ForCausalLM",
            "phi": "ForCausalLM", "gpt_neox": "ForCausalLM", "opt": "ForCausalLM"}  # fmt: skip
ROWS = [[28, 19, 8, 8, 35, 28, 29], [3, 12, 22, 49], [5]]


def both(name: str, folder: Path, **options: Any) -> tuple[Any, Any]:
    theirs = reference(case_named(name), FAMILIES[name], folder)
    options |= {"engine": "onnx", "cache_dir": folder / "cache"}
    return theirs, AutoModelForCausalLM.from_pretrained(folder, **options)


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_scores_of_rows_side_by_side_are_the_references_alone(name: str, tmp_path: Path) -> None:
    theirs, model = both(name, tmp_path)
    assert fits(model.plan)
    steps = BufferedSteps(model)
    found = [steps.start([np.array(row) for row in ROWS])]
    texts = [list(row) for row in ROWS]
    for token in (7, 30, 11):
        for text in texts:
            text.append(token)
        found.append(steps.feed(np.full((len(texts), 1), token))[:, 0])
    for number, text in enumerate(texts):
        whole = theirs(torch.tensor([text])).logits[0, -len(found) :].numpy()
        own = np.stack([scores[number] for scores in found])
        np.testing.assert_allclose(own, whole, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_perplexity_is_the_references(tmp_path: Path) -> None:
    theirs, model = both("qwen2", tmp_path)
    coarse = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="int8", cache_dir=tmp_path)
    ids = np.random.default_rng(1).integers(3, 50, (1, 40))
    loss = measure_loss(model, coarse, [{"input_ids": ids}], writes=True)
    tokens = torch.from_numpy(ids)
    assert loss.before == pytest.approx(float(theirs(tokens, labels=tokens).loss.exp()), rel=1e-5)
    assert loss.after == pytest.approx(loss.before, rel=0.02)


@torch.no_grad()
def test_the_reference_does_not_take_a_folder_in_few_bits_for_its_own(tmp_path: Path) -> None:
    from reprise.models.quantized_folder import quantize_folder

    both("gpt2", tmp_path / "model")
    made = quantize_folder(tmp_path / "model", tmp_path / "small", minimum=0.0, cache_dir=tmp_path)
    with pytest.raises(OSError, match="no file named"):
        Theirs.from_pretrained(made.folder)
