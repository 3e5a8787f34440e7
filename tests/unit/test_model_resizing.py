"""Vocabularies resized: every family, every head, there and back."""

from pathlib import Path
from typing import Any

import pytest
import torch

from reprise import models
from reprise.base.errors import InvalidInput, NotSupported
from reprise.models.families import family_of
from reprise.models.torch.resizing import token_count
from reprise.tokenizers import AutoTokenizer
from tests.model_cases import CASES, VOCABULARY, Case
from tests.tokenizer_files import own_bert
from tests.unit.test_model_loading import BERT, folder_of, ids

COMPOSED = "vision-encoder-decoder"  # whose decoder is resized before the two are put together
READS_TOKENS = [
    case
    for case in CASES
    if case.inputs != "pixels" and not case.variant and case.model_type != COMPOSED
]
MATRIX = [
    pytest.param(case, head, id=f"{case.name}-{head}")
    for case in READS_TOKENS
    for head in case.heads
    if head == "Model" or any(word in head for word in ("LM", "Generation", "PreTraining"))
]


def load(case: Case, head: str, root: Path) -> Any:
    name = f"{family_of(case.model_type).prefix}{head}"
    return getattr(models, name).from_pretrained(folder_of(case, head, root), engine="torch")


@pytest.mark.parametrize(("case", "head"), MATRIX)
def test_a_vocabulary_grows_survives_saving_and_shrinks_again(
    case: Case, head: str, tmp_path: Path
) -> None:
    model = load(case, head, tmp_path / "one")
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    model.resize_token_embeddings(VOCABULARY + 7)
    model.save_pretrained(tmp_path / "two")
    name = f"{model.family.prefix}{head}"
    grown = getattr(models, name).from_pretrained(tmp_path / "two", engine="torch")
    assert token_count(grown.plan) == VOCABULARY + 7
    for parameter, tensor in model.named_parameters():
        assert torch.equal(grown.get_parameter(parameter), tensor), parameter
    grown.resize_token_embeddings(VOCABULARY)
    assert {n: t.shape for n, t in grown.named_parameters()} == {
        n: t.shape for n, t in before.items()
    }
    for parameter, tensor in before.items():
        assert torch.equal(grown.get_parameter(parameter), tensor), parameter


def test_old_tokens_keep_their_answers_and_new_ones_begin_as_the_mean(tmp_path: Path) -> None:
    model = load(BERT, "ForMaskedLM", tmp_path).eval()
    before = model(ids()).logits
    table = model.embed.tokens.weight.detach().clone()
    model.resize_token_embeddings(VOCABULARY + 3, pad_to_multiple_of=8)
    assert model.config.vocab_size == 56
    assert torch.allclose(model(ids()).logits[..., :VOCABULARY], before, atol=1e-6)
    assert torch.allclose(model.embed.tokens.weight[-1], table.mean(0), atol=1e-7)
    model.resize_token_embeddings(pad_to_multiple_of=32)
    assert model(torch.tensor([[63]])).logits.shape == (1, 1, 64)


def test_a_tokenizer_with_new_tokens_and_its_model_stay_together(tmp_path: Path) -> None:
    tokenizer = own_bert()
    model = models.AutoModelForMaskedLM.from_config(
        models.Config({"model_type": "bert", "vocab_size": len(tokenizer), "hidden_size": 8,
                       "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8})
    )  # fmt: skip
    assert tokenizer.add_tokens(["IBAN", "SEPA"]) == 2
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = models.AutoModelForMaskedLM.from_pretrained(tmp_path, engine="torch")
    inputs = AutoTokenizer.from_pretrained(tmp_path)("my IBAN", return_tensors="pt")
    assert inputs["input_ids"][0, 2] == len(tokenizer) - 2
    assert loaded(**inputs).logits.shape == (1, 4, len(tokenizer))


@pytest.mark.parametrize("count", [0, -3, 1 << 30])
def test_sizes_that_cannot_be_are_refused_and_change_nothing(count: int, tmp_path: Path) -> None:
    model = load(BERT, "Model", tmp_path)
    with pytest.raises(InvalidInput, match="vocab"):
        model.resize_token_embeddings(count)
    with pytest.raises(InvalidInput, match="use 1 or more"):
        model.resize_token_embeddings(pad_to_multiple_of=0)
    assert model.config.vocab_size == VOCABULARY


def test_models_of_images_have_no_vocabulary(tmp_path: Path) -> None:
    vit = next(case for case in CASES if case.name == "vit")
    with pytest.raises(NotSupported, match=r"ViTModel has no single vocabulary.*reads no tokens"):
        load(vit, "Model", tmp_path).resize_token_embeddings(9)


def test_a_model_of_two_says_that_it_cannot(tmp_path: Path) -> None:
    (case,) = [case for case in CASES if case.name == COMPOSED]
    with pytest.raises(NotSupported, match="vision-encoder-decoder models cannot be resized"):
        load(case, "Model", tmp_path).resize_token_embeddings(VOCABULARY + 7)
