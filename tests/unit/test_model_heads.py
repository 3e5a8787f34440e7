"""Attention heads: shown, gated, measured, taken out."""

import pytest
import torch

from reprise.base.errors import InvalidInput
from reprise.models.analysis import head_importance
from reprise.models.config import Config
from reprise.models.plan import make_plan
from reprise.models.torch.fresh import fresh
from reprise.models.torch.model import Planned
from tests.model_cases import CASES

SINGLE = ["bert", "gpt2", "llama", "mpnet", "bloom", "gpt_neox", "deberta-v2", "albert", "opt"]


def model_of(name: str, head: str = "Model") -> Planned:
    case = next(case for case in CASES if case.name == name)
    config = Config({"model_type": case.model_type, "initializer_range": 0.3, **case.config})
    return fresh(make_plan(config, head), seed=1).eval()


def ids() -> torch.Tensor:
    return torch.tensor([[3, 4, 5, 6, 7], [8, 9, 10, 11, 12]])


def gone(name: str) -> list[int]:
    return [0, 1] if name == "llama" else [1]  # whole groups that share keys and values


@pytest.mark.parametrize("name", SINGLE)
def test_attentions_are_never_empty_and_sum_to_one(name: str) -> None:
    output = model_of(name)(ids(), output_attentions=True)
    assert len(output.attentions) == 3
    for weights in output.attentions:
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))


@pytest.mark.parametrize("name", SINGLE)
def test_asking_for_attentions_changes_no_answer(name: str) -> None:
    model = model_of(name)
    fused, explicit = model(ids()), model(ids(), output_attentions=True)
    torch.testing.assert_close(
        fused.last_hidden_state, explicit.last_hidden_state, atol=1e-5, rtol=0
    )


def test_attentions_of_chosen_layers_only() -> None:
    assert len(model_of("bert")(ids(), output_attentions=[2]).attentions) == 1


@pytest.mark.parametrize("name", [n for n in SINGLE if n != "albert"])
def test_a_pruned_head_is_the_same_as_a_gate_of_zero(name: str) -> None:
    model = model_of(name)
    heads = len(model.layers[0].attn.spec.kept(0))
    gates = torch.ones(3, heads)
    gates[1, gone(name)] = 0
    expected = model(ids(), head_mask=gates).last_hidden_state
    before = sum(p.numel() for p in model.parameters())
    model.prune_heads({1: gone(name)})
    assert sum(p.numel() for p in model.parameters()) < before
    torch.testing.assert_close(model(ids()).last_hidden_state, expected, atol=1e-6, rtol=0)


def test_pruning_survives_saving_and_adds_up(tmp_path: pytest.TempPathFactory) -> None:
    from reprise.models import AutoModel

    model = model_of("bert")
    model.prune_heads({0: [2]})
    model.prune_heads({0: [0], 2: [3]})
    assert model.config.pruned_heads == {"0": [0, 2], "2": [3]}
    model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path, engine="torch")
    assert torch.equal(again(ids()).last_hidden_state, model(ids()).last_hidden_state)


def test_pruning_half_a_group_or_all_heads_is_refused() -> None:
    with pytest.raises(InvalidInput, match="each 2 heads share one key and value"):
        model_of("llama").prune_heads({0: [1]})
    with pytest.raises(InvalidInput, match="one must stay"):
        model_of("bert").prune_heads({0: [0, 1, 2, 3]})
    with pytest.raises(InvalidInput, match="none called"):
        model_of("bert").prune_heads({9: [0]})


def test_importance_is_the_gradient_by_each_gate() -> None:
    model = model_of("bert", "ForSequenceClassification")
    batch = {"input_ids": ids(), "labels": torch.tensor([0, 1])}
    found = head_importance(model, [batch])
    step, gates = 1e-2, torch.ones(3, 4)
    losses = []
    for sign in (1, -1):
        moved = gates.clone()
        moved[1, 2] += sign * step
        losses.append(model(**batch, head_mask=moved).loss.item())
    assert found.shape == (3, 4)
    assert found[1, 2].item() == pytest.approx(abs(losses[0] - losses[1]) / (2 * step), rel=1e-2)


def test_importance_needs_labels() -> None:
    with pytest.raises(InvalidInput, match="give labels"):
        head_importance(model_of("bert", "ForSequenceClassification"), [{"input_ids": ids()}])
