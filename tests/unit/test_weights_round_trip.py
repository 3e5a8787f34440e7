"""Whole models through TensorFlow 1's checkpoints and back, as a user would do it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from reprise import models
from reprise.models.weights import open_checkpoint
from reprise.models.weights.tf1_export import to_tf1
from reprise.models.weights.tf_save import save_tf_bundle

GOLDEN = Path(__file__).parents[1] / "golden" / "weights" / "tf1"
BERT = {
    "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
    "vocab_size": 11, "max_position_embeddings": 6,
}  # fmt: skip
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertForPreTraining", BERT),
    "albert": ("AlbertForPreTraining", {**BERT, "embedding_size": 4}),
    "electra": ("ElectraForPreTraining", {**BERT, "embedding_size": 4}),
    "gpt2": (
        "GPT2Model",
        {"n_embd": 8, "n_layer": 2, "n_head": 2, "n_inner": 12, "vocab_size": 11, "n_positions": 6},
    ),
    "t5": (
        "T5ForConditionalGeneration",
        {"d_model": 8, "d_kv": 4, "d_ff": 12, "num_layers": 2, "num_heads": 2, "vocab_size": 11,
         "relative_attention_num_buckets": 4, "feed_forward_proj": "gated-gelu",
         "tie_word_embeddings": False},
    ),
}  # fmt: skip


def load(name: str, folder: Path) -> Any:
    return getattr(models, name).from_pretrained(folder, engine="torch")


@pytest.mark.parametrize("family", CASES)
def test_a_model_goes_to_tensorflow_1_and_comes_back_the_same(family: str, tmp_path: Path) -> None:
    name, config = CASES[family]
    shutil.copytree(GOLDEN / family, tmp_path / "google")
    (tmp_path / "google" / "config.json").write_text(json.dumps({"model_type": family, **config}))
    first = load(name, tmp_path / "google")
    first.save_pretrained(tmp_path / "ours")

    theirs = to_tf1(open_checkpoint(tmp_path / "ours"), family)
    items = [(key, tensor.dtype, tensor.shape, tensor.buffer) for key, tensor in theirs.items()]
    save_tf_bundle(tmp_path / "back" / "model.ckpt", items)
    shutil.copy(tmp_path / "ours" / "config.json", tmp_path / "back")

    again = load(name, tmp_path / "back")
    assert again.report.initialised == first.report.initialised == ()
    wanted = first.stored_state()
    assert again.stored_state().keys() == wanted.keys()
    for key, tensor in again.stored_state().items():
        assert torch.equal(tensor, wanted[key]), key
