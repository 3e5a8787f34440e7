"""Resized vocabularies against transformers, and files of resized models read by both."""

from pathlib import Path
from typing import Any

import pytest
import torch

from reprise import models
from tests.model_cases import CASES, VOCABULARY, Case
from tests.unit.test_model_loading import folder_of

transformers = pytest.importorskip("transformers")
HEADS = {
    "bert": "ForMaskedLM", "roberta": "ForMaskedLM", "distilbert": "ForMaskedLM",
    "gpt2": "LMHeadModel", "llama": "ForCausalLM", "t5": "ForConditionalGeneration",
    "bart": "ForConditionalGeneration", "albert": "ForMaskedLM", "electra": "ForMaskedLM",
    "xlnet": "LMHeadModel", "opt": "ForCausalLM", "bloom": "ForCausalLM",
}  # fmt: skip
MATRIX = [pytest.param(case, id=case.name) for case in CASES if case.name in HEADS]


@pytest.mark.parametrize("case", MATRIX)
@pytest.mark.parametrize("count", [VOCABULARY + 9, VOCABULARY - 9])
def test_tables_are_those_of_transformers(case: Case, count: int, tmp_path: Path) -> None:
    from reprise.models.families import family_of

    name = f"{family_of(case.model_type).prefix}{HEADS[case.name]}"
    folder = folder_of(case, HEADS[case.name], tmp_path / "one")
    ours: Any = getattr(models, name).from_pretrained(folder, engine="torch")
    theirs = getattr(transformers, name).from_pretrained(folder)
    ours.resize_token_embeddings(count)
    torch.manual_seed(0)
    theirs.resize_token_embeddings(count)
    wanted, found = theirs.state_dict(), ours.stored_state()
    for key, tensor in found.items():
        assert tensor.shape == wanted[key].shape, key
        # they add noise of a billionth of the tables' own spread to the mean
        assert torch.allclose(tensor, wanted[key], atol=1e-3), key
        assert torch.equal(tensor[: VOCABULARY - 9], wanted[key][: VOCABULARY - 9]), key
    ours.save_pretrained(tmp_path / "two")
    again = getattr(transformers, name).from_pretrained(tmp_path / "two")
    assert again.get_input_embeddings().weight.shape[0] == count
    for key, tensor in found.items():
        assert torch.equal(again.state_dict()[key], tensor), key
