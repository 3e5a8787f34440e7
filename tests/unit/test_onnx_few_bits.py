"""Matrices in 8 and 4 bits: every way they are stored, made once, close to float32."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models import AutoModelForCausalLM, AutoModelForSeq2SeqLM, Config
from reprise.models.measuring import answer_of, cosines_of
from reprise.models.onnx import proto
from reprise.models.onnx.blocks import Blocks
from reprise.models.onnx.channels import Channels
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.groups import BITS, groups
from reprise.models.onnx.layers import by_channels
from reprise.models.onnx.matrix import Matrix
from reprise.models.onnx.weights import Weights
from reprise.models.weights import open_checkpoint, save_safetensors
from tests.model_cases import Case
from tests.onnx_models import case_named, loaded, stored
from tests.seeded_models import checkpoint, inputs

# in columns, as it is, as it is with an output layer of its own, woven by head, rows of one; both
CASES = ("gpt2", "qwen2", "mistral", "gpt_neox", "phi3", "opt", "bart")
LEAST = {"int8": 0.999, "int4": 0.92}
HEADS = {"gpt2": "LMHeadModel", "bart": "ForConditionalGeneration"}


def head_of(case: Case) -> str:
    return HEADS.get(case.name, "ForCausalLM")


def in_folder(name: str, folder: Path) -> Case:
    """Write a case with its configuration."""
    case = case_named(name)
    stored(case, head_of(case), folder)
    Config({"model_type": case.model_type, **case.config}).save(folder)
    return case


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("name", CASES)
def test_answers_stay_close_however_matrices_are_stored(
    name: str, dtype: str, tmp_path: Path
) -> None:
    case = case_named(name)
    given = inputs(case, head_of(case))
    exact = answer_of(loaded(case, head_of(case), tmp_path)(**given))
    coarse = answer_of(loaded(case, head_of(case), tmp_path, dtype=dtype)(**given))
    assert LEAST[dtype] < cosines_of(exact, coarse).mean() < 1


def test_numbers_of_8_bits_are_at_most_half_a_step_away(tmp_path: Path) -> None:
    model = loaded(case_named("gpt2"), "LMHeadModel", tmp_path)
    for group in groups(model.plan, 8):
        rounded = Channels(Matrix(model.plan, model.tensors, group))
        found = rounded.numbers().T * rounded.scales[:, None]
        wanted = np.concatenate([part for _, part in rounded.matrix.parts()])
        assert found.shape == wanted.shape
        assert (np.abs(found - wanted) <= rounded.scales[:, None] * 0.501).all()


def test_numbers_of_4_bits_are_at_most_half_a_step_away(tmp_path: Path) -> None:
    model = loaded(case_named("gpt2"), "LMHeadModel", tmp_path)
    for group in groups(model.plan, 4):
        rounded = Blocks(Matrix(model.plan, model.tensors, group))
        numbers, scales = rounded.numbers(), rounded.scales[..., None]
        apart = np.stack((numbers & 15, numbers >> 4), axis=-1).reshape(*numbers.shape[:2], -1)
        found = (apart.astype(np.float32) - 8) * scales
        wanted = np.concatenate([part for _, part in rounded.matrix.parts()]).reshape(found.shape)
        # The side that has one step less may lose a whole one.
        reach = np.where(np.abs(wanted) > 7 * np.abs(scales), 1, 0.5)
        assert (np.abs(found - wanted) <= np.abs(scales) * reach * 1.001).all()


@pytest.mark.parametrize("name", ["bert", "vit", "gpt2"])
def test_in_8_bits_an_answer_is_the_same_whoever_is_beside_it(name: str, tmp_path: Path) -> None:
    case = case_named(name)
    model = loaded(case, "Model", tmp_path, dtype="int8")
    given = {key: value for key, value in inputs(case, "Model").items() if key != "attention_mask"}
    others = {key: louder(value) for key, value in given.items()}
    first, beside = answer_of(model(**given)), answer_of(model(**others))
    own = len(first) // 2
    assert not np.allclose(first[own:], beside[own:], atol=1e-3)
    np.testing.assert_array_equal(first[:own], beside[:own])
    alone = answer_of(model(**{key: value[:1] for key, value in given.items()}))
    np.testing.assert_array_equal(alone, first[:own])


def louder(values: np.ndarray) -> np.ndarray:
    """Change the second row: other tokens, or ten times the light."""
    changed = values[1:] * 10 if values.dtype == np.float32 else values[1:, ::-1]
    return np.concatenate((values[:1], changed))


def test_rows_of_zeros_stay_zeros_in_8_bits() -> None:
    g = Graph(Weights(None, {}))  # type: ignore[arg-type]
    numbers = g.constant(np.full((4, 3), 7), "int8")
    x = g.input("x", proto.FLOAT, ["rows", 4])
    g.output("y", by_channels(g, x, numbers, g.constant([0.5, 1, 2], "float32")), 2)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(g.model(), options, providers=["CPUExecutionProvider"])
    given = np.array([[0, 0, 0, 0], [1, -1, 1, 1], [1e-30, 0, 0, 0]], np.float32)
    (found,) = session.run(None, {"x": given})
    np.testing.assert_allclose(found, given.sum(1, keepdims=True) * [[3.5, 7, 14]], rtol=1e-6)


def test_they_are_made_once_and_only_what_remains_is_converted(tmp_path: Path) -> None:
    case = case_named("qwen2")
    arrays = checkpoint(case, "ForCausalLM").items()
    halves = [(n, "F16", a.shape, a.astype("<f2").tobytes()) for n, a in arrays]
    save_safetensors(tmp_path, halves)
    Config({"model_type": case.model_type, **case.config}).save(tmp_path)
    cache = tmp_path / "cache"
    for _ in range(2):
        model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="int4", cache_dir=cache)
    (folder,) = cache.glob("*.lm-int4-*")
    (converted,) = cache.glob("*.f32")
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]
    assert model.engine == "onnx"
    matrices = sum(g.out * g.into for g in groups(model.plan, 4) if "embed" not in g.name)
    every = sum(a.size for _, a in arrays)
    assert converted.stat().st_size < 4 * (every - matrices) + 64 * len(halves)


def test_what_was_kept_changes_with_the_weights(tmp_path: Path) -> None:
    in_folder("gpt2", tmp_path)
    cache = tmp_path / "cache"
    first = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="int8", cache_dir=cache)
    tensors = {
        n: t.numpy() * 1.5 for n, t in open_checkpoint(tmp_path / "model.safetensors").items()
    }
    save_safetensors(tmp_path, [(n, "F32", a.shape, a.tobytes()) for n, a in tensors.items()])
    second = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="int8", cache_dir=cache)
    ids = np.array([[5, 6, 7]])
    assert not np.allclose(first(ids).logits, second(ids).logits)
    assert len(list(cache.glob("*.lm-int8-*"))) == 2


@pytest.mark.parametrize("dtype", BITS)
def test_a_batch_is_what_single_calls_are(dtype: str, tmp_path: Path) -> None:
    model = loaded(case_named("qwen2"), "ForCausalLM", tmp_path, dtype=dtype)
    asked: dict[str, Any] = {"max_new_tokens": 8, "do_sample": True, "seed": 5, "pad_token_id": 0,
                             "eos_token_id": []}  # fmt: skip
    ids, mask = [[28, 19, 8, 35], [0, 0, 3, 12]], [[1, 1, 1, 1], [0, 0, 1, 1]]
    batch = model.generate(ids, attention_mask=mask, **asked)
    for row, length in enumerate((4, 2)):
        alone = model.generate([ids[row][4 - length :]], **asked)
        assert batch[row, 4:].tolist() == alone[0, length:].tolist()


def test_an_encoder_and_a_decoder_write_in_few_bits(tmp_path: Path) -> None:
    in_folder("bart", tmp_path)
    given = {"input_ids": [[28, 19, 8, 35]], "num_beams": 3, "max_new_tokens": 5}
    model = AutoModelForSeq2SeqLM.from_pretrained(tmp_path, dtype="int8", cache_dir=tmp_path)
    assert np.asarray(model.generate(**given)).shape == (1, 6)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    case = case_named("gpt2")
    arrays = checkpoint(case, "LMHeadModel")
    arrays["transformer.h.0.mlp.c_fc.weight"][3, 3] = np.nan
    save_safetensors(tmp_path, [(n, "F32", a.shape, a.astype("<f4").tobytes())
                                for n, a in arrays.items()])  # fmt: skip
    Config({"model_type": case.model_type, **case.config}).save(tmp_path)
    cache = tmp_path / "cache"
    with pytest.raises(InvalidInput, match=r"layers\.0\.ff\.up holds numbers that are not finite"):
        AutoModelForCausalLM.from_pretrained(tmp_path, dtype="int8", cache_dir=cache)
    assert not list(cache.iterdir())


def test_a_family_without_such_matrices_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="deberta-v2 model has no matrices that can be in int4"):
        loaded(case_named("deberta-v2"), "Model", tmp_path, dtype="int4")
