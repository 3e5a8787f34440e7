"""Weights go from transformers to Reprise and back: same files, same numbers."""

from pathlib import Path
from typing import Any

import pytest
import torch

from reprise.models.weights import open_checkpoint, save_safetensors
from reprise.models.weights.to_torch import to_torch

transformers = pytest.importorskip("transformers")
SHARD = 4000  # bytes


@pytest.fixture
def model() -> Any:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        vocab_size=11, max_position_embeddings=6,
    )  # fmt: skip
    return transformers.BertForMaskedLM(config)


def test_shards_of_transformers_are_read_and_written_byte_for_byte(
    model: Any, tmp_path: Path
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    model.save_pretrained(theirs, max_shard_size=SHARD)
    found = open_checkpoint(theirs)
    state = {name: value for name, value in model.state_dict().items() if name in found}
    assert all(torch.equal(to_torch(found[name]), value) for name, value in state.items())
    assert len(state) == len(found)
    items = [(name, found[name].dtype, found[name].shape, found[name].buffer) for name in state]
    for path in save_safetensors(ours, items, max_shard_bytes=SHARD):
        assert path.read_bytes() == (theirs / path.name).read_bytes(), path.name


def test_transformers_reads_our_shards(model: Any, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    found = open_checkpoint(tmp_path)
    items = [(name, tensor.dtype, tensor.shape, tensor.buffer) for name, tensor in found.items()]
    assert len(save_safetensors(tmp_path, items, max_shard_bytes=SHARD)) > 2
    assert not (tmp_path / "model.safetensors").exists()
    again = transformers.BertForMaskedLM.from_pretrained(tmp_path)
    assert {n: v.tolist() for n, v in again.state_dict().items()} == {
        n: v.tolist() for n, v in model.state_dict().items()
    }
