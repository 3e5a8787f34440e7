"""Configurations and weights that are broken or hostile: a clear error, soon, and little memory."""

import json
import resource
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from reprise.base.errors import InvalidInput, NotSupported, RepriseError
from reprise.models import AutoConfig, AutoModel
from reprise.models.config import Config
from reprise.models.families import model_types
from reprise.models.plan import make_plan
from reprise.models.weights import save_safetensors
from tests.model_cases import CASES
from tests.seeded_models import checkpoint

BERT = next(case for case in CASES if case.name == "bert")
MORE_MEMORY = 64 << 20  # bytes that a refusal may cost


def folder_of(root: Path, **config: Any) -> Path:
    (root / "config.json").write_text(json.dumps({"model_type": "bert", **BERT.config, **config}))
    tensors = checkpoint(BERT, "Model").items()
    save_safetensors(root, [(n, "F32", v.shape, v.tobytes()) for n, v in tensors])
    return root


def refused(folder: Path, **options: Any) -> str:
    """Load, expect an error of ours, and see that memory did not grow."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RepriseError) as caught:
        AutoModel.from_pretrained(folder, engine="torch", **options)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown < MORE_MEMORY
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", 10**9), ("num_hidden_layers", -1), ("num_hidden_layers", 0),
        ("num_hidden_layers", "twelve"), ("num_hidden_layers", 2.5), ("num_hidden_layers", True),
        ("hidden_size", -32), ("hidden_size", 10**12), ("hidden_size", None),
        ("num_attention_heads", 0), ("num_attention_heads", -4), ("num_attention_heads", 10**9),
        ("vocab_size", 10**15), ("vocab_size", []), ("max_position_embeddings", -1),
        ("intermediate_size", 0), ("layer_norm_eps", "small"), ("layer_norm_eps", 7),
        ("hidden_act", "__import__"), ("hidden_act", 3), ("type_vocab_size", "x"),
        ("hidden_dropout_prob", "often"), ("pruned_heads", {"0": [0, 1, 2, 3]}),
        ("pruned_heads", {"0": [99]}), ("pruned_heads", {"x": [1]}), ("pruned_heads", [1]),
        ("id2label", {"a": "b"}), ("id2label", [1, 2]),
    ],
    ids=str,
)  # fmt: skip
def test_absurd_configurations_are_refused(tmp_path: Path, key: str, value: Any) -> None:
    if key == "id2label":
        folder = folder_of(tmp_path, **{key: value})
        with pytest.raises(RepriseError):
            _ = AutoConfig.from_pretrained(folder).id2label
        return
    assert refused(folder_of(tmp_path, **{key: value}))


@pytest.mark.parametrize("model_type", model_types())
@pytest.mark.parametrize("value", [-1, 0, 10**12, "x", None, [], {}, 1.5])
def test_no_number_of_any_family_breaks_planning(model_type: str, value: Any) -> None:
    """Each number of the defaults is replaced: a plan, or an error of ours, never another."""
    from reprise.models.families import family_of

    defaults = family_of(model_type).defaults
    for key, usual in defaults.items():
        if isinstance(usual, bool) or not isinstance(usual, int | float):
            continue
        config = Config({"model_type": model_type, key: value})
        try:
            make_plan(config)
        except RepriseError as error:
            assert str(error)  # noqa: PT017 - either outcome is right, another error is not


def test_a_configuration_of_unknown_type_or_shape_is_named(tmp_path: Path) -> None:
    for text, words in (
        ("[]", "must hold a JSON object"), ("{", "not valid JSON"), ("[" * 100_000, "not valid"),
        ('{"model_type": ["bert"]}', "declares the model type"), ("{}", "model type ''"),
    ):  # fmt: skip
        (tmp_path / "config.json").write_text(text)
        assert words in refused(tmp_path)


def test_a_configuration_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00\x01" * 10)
    assert "not valid JSON" in refused(tmp_path)


def test_weights_with_numbers_that_are_not_finite_are_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    tensors = {n: torch.from_numpy(v.copy()) for n, v in checkpoint(BERT, "Model").items()}
    tensors["encoder.layer.1.output.dense.weight"][3, 4] = float("nan")
    save_safetensors(folder, [(n, "F32", tuple(t.shape), t.numpy().tobytes())
                              for n, t in tensors.items()])  # fmt: skip
    assert "encoder.layer.1.output.dense.weight" in refused(folder)


def test_a_header_that_announces_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    place = {"dtype": "F32", "shape": [1 << 40, 32], "data_offsets": [0, 1 << 47]}
    header = json.dumps({"embeddings.word_embeddings.weight": place}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert refused(folder)


@pytest.mark.parametrize("cut", [0, 4, 8, 100, -1, -1000])
def test_files_that_are_cut_short_are_refused(tmp_path: Path, cut: int) -> None:
    folder = folder_of(tmp_path)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    assert refused(folder)


def test_a_subfolder_cannot_leave_the_model(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    folder_of(tmp_path)
    with pytest.raises(InvalidInput):
        AutoModel.from_pretrained(tmp_path / "inner", subfolder="../", engine="torch")


def test_unknown_engines_and_types_are_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with pytest.raises(InvalidInput, match="no engine 'cuda'"):
        AutoModel.from_pretrained(folder, engine="cuda")
    with pytest.raises(InvalidInput, match="no type of weights"):
        AutoModel.from_pretrained(folder, engine="torch", dtype="int8")
    with pytest.raises(NotSupported, match="gpt-17"):
        make_plan(Config({"model_type": "gpt-17"}))
