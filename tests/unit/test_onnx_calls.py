"""How a model of the onnx engine is called: types, shapes, forms of the answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models.onnx.model import OnnxModel
from tests.onnx_models import case_named, loaded
from tests.seeded_models import inputs

BERT = case_named("bert")
IDS = np.array([[5, 6, 7], [8, 9, 10]])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return loaded(BERT, "Model", tmp_path_factory.mktemp("bert"))


def test_a_model_says_what_it_is(bert: OnnxModel) -> None:
    assert bert.engine == "onnx"
    assert bert.family.model_type == bert.config.model_type == "bert"
    assert bert.spec is bert.plan.spec
    assert bert.eval() is bert


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_numbers_of_every_type_are_taken(bert: OnnxModel, dtype: str) -> None:
    found = bert(IDS.astype(dtype), attention_mask=np.ones_like(IDS, bool))
    expected = bert(IDS, np.ones_like(IDS))
    np.testing.assert_array_equal(found.last_hidden_state, expected.last_hidden_state)
    assert found.last_hidden_state.dtype == np.float32


def test_lists_are_taken(bert: OnnxModel) -> None:
    np.testing.assert_array_equal(bert(IDS.tolist())[0], bert(IDS)[0])


def test_a_tuple_is_given_when_asked(bert: OnnxModel) -> None:
    answer = bert(IDS, return_dict=False)
    assert isinstance(answer, tuple)
    assert [part.shape for part in answer] == [(2, 3, 32), (2, 32)]


def test_padding_changes_nothing(bert: OnnxModel) -> None:
    alone = bert(IDS[:1], np.ones((1, 3))).last_hidden_state
    padded = bert(np.array([[5, 6, 7, 0, 0]]), np.array([[1, 1, 1, 0, 0]])).last_hidden_state
    np.testing.assert_allclose(padded[:, :3], alone, atol=2e-6)


def test_states_and_chosen_attentions_are_given(bert: OnnxModel) -> None:
    answer = bert(IDS, output_hidden_states=True, output_attentions=[1])
    assert len(answer.hidden_states) == 4
    assert [part.shape for part in answer.attentions] == [(2, 4, 3, 3)]
    np.testing.assert_array_equal(answer.hidden_states[-1], answer.last_hidden_state)


def test_vectors_may_stand_for_tokens(bert: OnnxModel) -> None:
    place = bert.plan.places["embed.tokens.weight"].stored
    table = bert.tensors[place].numpy()
    np.testing.assert_allclose(bert(inputs_embeds=table[IDS])[0], bert(IDS)[0], atol=1e-6)


def test_a_head_mask_of_ones_changes_nothing_and_of_zeros_something(bert: OnnxModel) -> None:
    plain = bert(IDS).last_hidden_state
    np.testing.assert_allclose(bert(IDS, head_mask=np.ones(4))[0], plain, atol=1e-6)
    silent = bert(IDS, head_mask=np.array([0, 1, 1, 1])).last_hidden_state
    assert np.abs(silent - plain).max() > 1e-3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"input_ids": [[5, 50]]}, "from 0 to 49"),
        ({"input_ids": [[-1, 5]]}, "from 0 to 49"),
        ({"input_ids": [5, 6]}, r"must be \[B, T\]"),
        ({"input_ids": np.zeros((2, 0), int)}, "at least one token"),
        ({"input_ids": [["a"]]}, "array of numbers"),
        ({"input_ids": [[5], [6, 7]]}, "array of numbers"),
        ({}, "either input_ids or inputs_embeds"),
        ({"input_ids": IDS, "inputs_embeds": np.zeros((2, 3, 32))}, "not both"),
        ({"input_ids": IDS, "attention_mask": [[1, 1]]}, r"must be \[2, 3\] here, not \[1, 2\]"),
        ({"input_ids": IDS, "token_type_ids": IDS}, "token_type_ids must lie from 0 to 1"),
        ({"input_ids": IDS, "position_ids": [[0, 1, 99]]}, "position_ids must lie from 0 to 23"),
        ({"input_ids": np.ones((1, 25), int)}, "this model has 24 positions"),
        ({"input_ids": IDS, "head_mask": np.ones(3)}, r"head_mask must be \[3, 4\]"),
        ({"input_ids": IDS, "colour": 1}, "knows no argument 'colour'"),
        ({"inputs_embeds": np.zeros((1, 2, 31))}, "ONNX Runtime could not run"),
    ],
)
def test_what_does_not_fit_is_told(bert: OnnxModel, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        bert(**given)


def test_a_model_without_an_encoder_says_so(bert: OnnxModel) -> None:
    with pytest.raises(InvalidInput, match="reads no encoder"):
        bert(input_ids=[[3, 4]], encoder_hidden_states=np.zeros((1, 2, 32)))


def test_labels_are_for_the_other_engine(bert: OnnxModel) -> None:
    with pytest.raises(NotSupported, match="computes no loss") as caught:
        bert(IDS, labels=[0, 1])
    assert caught.value.hint == "Train with engine='torch'."


def test_choices_keep_their_side(tmp_path: Path) -> None:
    model = loaded(BERT, "ForMultipleChoice", tmp_path)
    assert model(**inputs(BERT, "ForMultipleChoice")).logits.shape == (2, 2)
    with pytest.raises(InvalidInput, match=r"\[B, choices, T\]"):
        model(IDS)


def test_images_of_another_size_are_told(tmp_path: Path) -> None:
    model = loaded(case_named("vit"), "Model", tmp_path)
    with pytest.raises(InvalidInput, match=r"pixel_values must be \[B, 3"):
        model(pixel_values=np.zeros((1, 3, 5, 5)))
