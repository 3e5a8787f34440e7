"""Inputs that no pipeline can use: refused by number, with what to do, and nothing else harmed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidFormat, InvalidInput, NotFound, NotSupported, TooLarge
from reprise.tasks import Pipeline, pipeline
from reprise.tasks.images import read_preparation
from reprise.tasks.text import MAX_TEXT
from tests.pipeline_models import save, word_pieces


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return pipeline(model=save(tmp_path_factory.mktemp("plain"), "BertModel"))


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return pipeline(model=save(tmp_path_factory.mktemp("c"), "BertForSequenceClassification"))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return pipeline(model=save(tmp_path_factory.mktemp("qa"), "BertForQuestionAnswering"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["fine", b"\xff\xfe"], "Input 1: An input is bytes"),
        (["fine", "also", 3], "Input 2: An input must be text, not int"),
        ([None], "Input 0: An input must be text, not NoneType"),
        (7, "Input 0: An input must be text, not int"),
        (["half \ud83d"], "Input 0: An input is no valid text"),
        ([["nested"]], "Input 0: An input must be text, not list"),
        (str, "Input 0: An input must be text, not type"),
        ({"text": "a"}, "Input 0: An input must be text, not dict"),
        (["card " * 100], "Input 0: It has 102 tokens, and this model takes 64"),
    ],
)
def test_a_wrong_input_is_named_by_its_number(plain: Pipeline, given: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        plain(given)


def test_a_text_that_is_a_file_is_too_large(plain: Pipeline) -> None:
    with pytest.raises(TooLarge, match="Input 0: An input has 16,777,217 characters"):
        plain("a" * (MAX_TEXT + 1))


def test_what_is_too_long_can_be_cut(plain: Pipeline) -> None:
    assert np.array(plain("card " * 100, truncation=True)).shape == (1, 64, 32)
    assert np.array(plain("card " * 100, truncation=True, max_length=9)).shape == (1, 9, 32)


def test_an_empty_text_has_its_special_tokens(plain: Pipeline) -> None:
    assert np.array(plain("")).shape == (1, 2, 32)


def test_an_empty_text_without_special_tokens_is_refused(tmp_path: Path) -> None:
    tokenizer = word_pieces()
    data = dict(tokenizer.spec.data) | {"post_processor": None}
    folder = save(tmp_path, "BertModel")
    (folder / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(InvalidInput, match="Input 1: It is empty"):
        pipeline(model=folder)(["a", ""])


def test_control_characters_are_text(plain: Pipeline) -> None:
    assert np.isfinite(plain("a\x00\x1b[2J\u202e\uffff")).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k is 0"),
        ({"top_k": "all"}, "top_k is 'all'"),
        ({"function_to_apply": "argmax"}, "function_to_apply is 'argmax'"),
        ({"max_lenght": 3}, "takes no max_lenght"),
        ({"max_length": "a"}, "max_length is 'a'"),
        ({"max_length": 0, "truncation": True}, "max_length is 0"),
        ({"batch_size": 0}, "batch is 0"),
    ],
)
def test_wrong_parameters_are_refused(
    classes: Pipeline, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        classes("a", **options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"question": "", "context": "a"}, "must not be empty"),
        ({"question": "a", "context": "  "}, "must not be empty"),
        ({"question": "a"}, "a mapping with question and context"),
        ({"question": "why " * 80, "context": "a"}, "has 80 tokens, which leave none"),
    ],
)
def test_questions_without_sense_are_refused(
    answers: Pipeline, given: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        answers(given)


@pytest.mark.parametrize(
    "options", [{"doc_stride": 64}, {"doc_stride": 60}, {"doc_stride": 1.5}, {"max_seq_len": 65},
                {"max_answer_len": 0}, {"top_k": 0}],
)  # fmt: skip
def test_windows_that_cannot_be_are_refused(answers: Pipeline, options: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=r" is \d"):
        answers(question="a", context="b " * 90, **options)


@pytest.mark.parametrize(
    "settings",
    [
        {"size": {"height": 0, "width": 5}},
        {"size": {"height": 10**9, "width": 10**9}},
        {"size": "large"},
        {"resample": 99},
        {"rescale_factor": float("nan")},
        {"image_mean": [0.5]},
        {"image_std": [0, 0, 0]},
        {"do_center_crop": True, "crop_size": {"height": -1, "width": 3}},
    ],
)
def test_absurd_preparations_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidFormat):
        read_preparation(settings)


def test_images_that_are_none_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    from reprise.tasks.images import open_image

    (tmp_path / "text.png").write_text("no image")
    broken = np.full((4, 4, 3), np.nan, np.float32)
    refused: list[tuple[Any, type[Exception]]] = [
        (broken, InvalidInput), (broken * 0 + 2, InvalidInput), (np.zeros((4, 4)), InvalidInput),
        (np.zeros((2, 4, 4, 3), np.uint8), InvalidInput), (np.zeros((0, 4, 3)), InvalidInput),
        (str(tmp_path / "text.png"), InvalidInput), (str(tmp_path / "none.png"), NotFound),
        ("https://example.org/cat.png", NotSupported), (object(), InvalidInput),
        ("long" * 2000, InvalidInput), ("nul\0", NotFound),
        (Image.fromarray(broken[..., 0]), InvalidInput),
    ]  # fmt: skip
    for given, error in refused[:2] + refused[3:]:
        with pytest.raises(error):
            open_image(given)


def test_images_of_16_bits_are_not_cut_off(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    from reprise.tasks.images import open_image

    grey = np.array([[0, 257, 32_768, 65_535]], np.uint16)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    for given in (tmp_path / "deep.png", Image.fromarray(grey.astype(np.int32))):
        assert np.asarray(open_image(given))[0, :, 0].tolist() == [0, 1, 128, 255]
    with pytest.raises(InvalidInput, match="beyond 16 bits"):
        open_image(Image.fromarray(grey.astype(np.int32) * 2))


def test_a_label_that_fills_the_model_leaves_no_room(tmp_path: Path) -> None:
    names = {"id2label": {0: "entailment", 1: "no"}, "label2id": {"entailment": 0, "no": 1}}
    folder = save(tmp_path, "BertForSequenceClassification", **names)
    with pytest.raises(InvalidInput, match="leaves no room for the other one"):
        pipeline("zero-shot-classification", folder)("my card", ["card " * 100])
