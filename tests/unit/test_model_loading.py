"""`from_pretrained` and `save_pretrained`: strict, mapped, seeded, by any name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reprise import models
from reprise.base.errors import EntryNotFound, InvalidInput, NotSupported
from reprise.models.auto import AutoConfig
from reprise.models.families import family_of
from reprise.models.weights import save_safetensors
from tests.model_cases import CASES, Case
from tests.seeded_models import checkpoint

BERT = next(case for case in CASES if case.name == "bert")
SPELLED = {"float32": "F32"}


def folder_of(case: Case, head: str, root: Path, **config: Any) -> Path:
    """A model's folder as another library would have written it."""
    root.mkdir(parents=True, exist_ok=True)
    data = {"model_type": case.model_type, **case.config, **config}
    (root / "config.json").write_text(json.dumps(data))
    tensors = checkpoint(case, head).items()
    save_safetensors(root, [(n, "F32", v.shape, v.tobytes()) for n, v in tensors])
    return root


def ids() -> torch.Tensor:
    return torch.tensor([[3, 4, 5, 6]])


def test_auto_and_concrete_names_load_the_same_model(tmp_path: Path) -> None:
    folder = folder_of(BERT, "ForMaskedLM", tmp_path)
    auto = models.AutoModelForMaskedLM.from_pretrained(folder, engine="torch")
    concrete = models.BertForMaskedLM.from_pretrained(folder, engine="torch")
    assert isinstance(auto, models.BertForMaskedLM)
    assert not isinstance(auto, models.BertModel)
    assert torch.equal(auto(ids()).logits, concrete(ids()).logits)


def test_a_class_of_another_family_refuses_the_configuration(tmp_path: Path) -> None:
    folder = folder_of(BERT, "Model", tmp_path)
    with pytest.raises(InvalidInput, match="GPT2LMHeadModel cannot load a model of type 'bert'"):
        models.GPT2LMHeadModel.from_pretrained(folder)


def test_a_body_fills_a_model_with_a_head_and_the_head_comes_from_the_weights(
    tmp_path: Path,
) -> None:
    folder = folder_of(BERT, "Model", tmp_path)
    load = models.AutoModelForTokenClassification.from_pretrained
    first, second = (load(folder, engine="torch", num_labels=5) for _ in range(2))
    assert first.report.initialised == ("head.out.weight", "head.out.bias")
    assert first(ids()).logits.shape == (1, 4, 5)
    assert torch.equal(first(ids()).logits, second(ids()).logits)
    other = load(folder, engine="torch", num_labels=5, seed=1)
    assert not torch.equal(first(ids()).logits, other(ids()).logits)


def test_a_model_with_a_head_fills_a_body(tmp_path: Path) -> None:
    folder = folder_of(BERT, "ForTokenClassification", tmp_path)
    model = models.AutoModel.from_pretrained(folder, engine="torch")
    assert model.report.unused == ("classifier.bias", "classifier.weight")
    assert model(ids()).pooler_output is None  # the file has no pooler, and none is made up


@pytest.mark.parametrize(
    ("name", "whole", "alone", "side"),
    [("bart", "ForConditionalGeneration", "ForCausalLM", "decoder"),
     ("bart", "Model", "ForCausalLM", "decoder"),
     ("t5", "ForConditionalGeneration", "EncoderModel", "encoder"),
     ("whisper", "ForConditionalGeneration", "ForAudioClassification", "encoder"),
     ("whisper", "Model", "ForCausalLM", "decoder")],
)  # fmt: skip
def test_a_file_with_both_towers_fills_one_that_stands_alone(
    name: str, whole: str, alone: str, side: str, tmp_path: Path
) -> None:
    case = next(case for case in CASES if case.name == name)
    folder = folder_of(case, whole, tmp_path)
    prefix = family_of(case.model_type).prefix
    both, one = (
        getattr(models, f"{prefix}{head}").from_pretrained(folder, engine="torch")
        for head in (whole, alone)
    )
    tower = getattr(both, side)
    assert list(one.layers.parameters())
    for mine, theirs in zip(one.layers.parameters(), tower.layers.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    table = getattr(one.embed, "tokens", None)
    if table is not None:
        assert torch.equal(table.weight, both._table(tower).weight)


def test_weights_of_another_architecture_are_refused_with_the_lists(tmp_path: Path) -> None:
    folder = folder_of(BERT, "Model", tmp_path)
    gpt = next(case for case in CASES if case.name == "gpt2")
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **gpt.config}))
    with pytest.raises(InvalidInput, match=r"(?s)missing from the file: .*unknown to this model"):
        models.AutoModel.from_pretrained(folder, engine="torch")


def test_a_head_of_another_size_is_refused_and_says_why(tmp_path: Path) -> None:
    folder = folder_of(BERT, "ForTokenClassification", tmp_path)
    with pytest.raises(InvalidInput, match=r"classifier\.weight is \[2, 32\], expected \[7, 32\]"):
        models.AutoModelForTokenClassification.from_pretrained(folder, engine="torch", num_labels=7)


def test_a_new_head_takes_the_place_of_one_in_the_file(tmp_path: Path) -> None:
    folder = folder_of(BERT, "ForTokenClassification", tmp_path)
    load = models.AutoModelForTokenClassification.from_pretrained
    model = load(folder, engine="torch", num_labels=7, new_head=True)
    assert model.report.initialised == ("head.out.weight", "head.out.bias")
    assert model(ids()).logits.shape == (1, 4, 7)


def test_every_tensor_comes_back_with_the_same_bytes(tmp_path: Path) -> None:
    folder = folder_of(BERT, "ForMaskedLM", tmp_path / "from")
    model = models.AutoModelForMaskedLM.from_pretrained(folder, engine="torch")
    model.save_pretrained(tmp_path / "to")
    saved = (tmp_path / "to" / "model.safetensors").read_bytes()
    tied = "cls.predictions.decoder.weight"
    assert tied.encode() not in saved
    again = models.AutoModelForMaskedLM.from_pretrained(tmp_path / "to", engine="torch")
    for name, tensor in model.state_dict(names="hf").items():
        assert torch.equal(tensor, again.state_dict(names="hf")[name]), name


def test_unknown_keys_of_a_configuration_are_written_back(tmp_path: Path) -> None:
    folder = folder_of(BERT, "Model", tmp_path / "from", made_by="somebody")
    model = models.AutoModel.from_pretrained(folder, engine="torch")
    model.save_pretrained(tmp_path / "to")
    config = json.loads((tmp_path / "to" / "config.json").read_text())
    assert (config["made_by"], config["architectures"]) == ("somebody", ["BertModel"])


def test_shards_are_written_and_read(tmp_path: Path) -> None:
    folder = folder_of(BERT, "Model", tmp_path / "from")
    model = models.AutoModel.from_pretrained(folder, engine="torch")
    files = model.save_pretrained(tmp_path / "to", max_shard_bytes=20_000)
    assert len(files) > 3
    again = models.AutoModel.from_pretrained(tmp_path / "to", engine="torch")
    assert torch.equal(again(ids()).last_hidden_state, model(ids()).last_hidden_state)


def test_weights_are_the_files_own_memory_and_training_leaves_the_file_alone(
    tmp_path: Path,
) -> None:
    folder = folder_of(BERT, "Model", tmp_path)
    before = (folder / "model.safetensors").read_bytes()
    model = models.AutoModel.from_pretrained(folder, engine="torch")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert (folder / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("dtype", ["bfloat16", torch.float16])
def test_weights_are_read_in_another_type(tmp_path: Path, dtype: Any) -> None:
    folder = folder_of(BERT, "Model", tmp_path)
    model = models.AutoModel.from_pretrained(folder, engine="torch", dtype=dtype)
    assert str(model.dtype) in {"torch.bfloat16", "torch.float16"}
    assert torch.isfinite(model(ids()).last_hidden_state.float()).all()


def test_arguments_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    folder = folder_of(BERT, "Model", tmp_path)
    with pytest.raises(InvalidInput, match=r"knows no from_tf"):
        models.AutoModel.from_pretrained(folder, engine="torch", from_tf=True)


def test_remote_code_is_never_run(tmp_path: Path) -> None:
    auto_map = {"AutoModel": "evil.Model"}
    folder = folder_of(BERT, "Model", tmp_path, auto_map=auto_map)
    (folder / "evil.py").write_text("raise SystemExit('it ran')")
    model = models.AutoModel.from_pretrained(folder, engine="torch", trust_remote_code=True)
    assert isinstance(model, models.BertModel)


def test_the_configuration_can_be_had_alone(tmp_path: Path) -> None:
    folder = folder_of(BERT, "Model", tmp_path)
    config = AutoConfig.from_pretrained(folder)
    assert (config.hidden_size, config.layer_norm_eps, config.num_labels) == (32, 1e-12, 2)


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EntryNotFound, match=r"config\.json"):
        models.AutoModel.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "mystery"}')
    with pytest.raises(NotSupported, match=r"No family here declares"):
        models.AutoModel.from_pretrained(tmp_path)


def test_a_family_of_ones_own_can_be_registered(tmp_path: Path) -> None:
    from dataclasses import replace

    from reprise.models.families import _registered, family_of

    mine = replace(family_of("bert"), model_type="my-bert", prefix="MyBert")
    models.register(mine)
    try:
        folder = folder_of(BERT, "Model", tmp_path, model_type="my-bert")
        model = models.AutoModel.from_pretrained(folder, engine="torch")
        assert isinstance(model, models.MyBertModel)
    finally:
        _registered.pop("my-bert")


def test_new_models_are_the_same_for_the_same_seed() -> None:
    config = models.Config({"model_type": "bert", **BERT.config})
    first, second = (models.BertModel(config, seed=7) for _ in range(2))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert first.training


def test_old_names_of_norms_are_read(tmp_path: Path) -> None:
    tensors = checkpoint(BERT, "Model")
    old = {n.replace("LayerNorm.weight", "LayerNorm.gamma"): v for n, v in tensors.items()}
    old = {n.replace("LayerNorm.bias", "LayerNorm.beta"): v for n, v in old.items()}
    folder = folder_of(BERT, "Model", tmp_path)
    save_safetensors(folder, [(n, "F32", v.shape, np.ascontiguousarray(v).tobytes())
                              for n, v in old.items()])  # fmt: skip
    assert models.AutoModel.from_pretrained(folder, engine="torch").report.unused == ()
