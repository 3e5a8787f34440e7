"""Whisper's decoder begins with a language, a task, and whether it writes times."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput
from reprise.models.auto import concrete_class
from reprise.models.config import Config
from reprise.models.families import family_of
from tests.generation_cases import batch
from tests.onnx_models import case_named, stored

TOLD = {
    "lang_to_id": {"<|en|>": 5, "<|de|>": 6, "<|fr|>": 7}, "is_multilingual": True,
    "task_to_id": {"transcribe": 8, "translate": 9}, "no_timestamps_token_id": 10,
    "decoder_start_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "max_new_tokens": 4,
}  # fmt: skip
CASE = case_named("whisper")


@pytest.fixture(params=["torch", "onnx"])
def whisper(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    stored(CASE, "ForConditionalGeneration", tmp_path)
    Config({"model_type": "whisper", **CASE.config}).save(tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps(TOLD))
    loader = concrete_class(family_of("whisper"), "ForConditionalGeneration")
    return loader.from_pretrained(tmp_path, engine=request.param)


def begun(model: Any, **given: Any) -> list[list[int]]:
    return np.asarray(model.generate(**batch(CASE), **given))[:, :4].tolist()


def test_language_and_task_are_said(whisper: Any) -> None:
    assert begun(whisper, language="de", task="translate") == [[1, 6, 9, 10]] * 2
    assert begun(whisper, language=["<|fr|>", "EN"]) == [[1, 7, 8, 10], [1, 5, 8, 10]]


def test_the_language_is_heard_where_nobody_says_it(whisper: Any) -> None:
    scores = whisper(
        **{k: whisper.runner().native(v) for k, v in batch(CASE).items()},
        decoder_input_ids=whisper.runner().native(np.array([[1], [1]])),
    )
    heard = 5 + np.asarray(scores.logits.tolist())[:, 0, 5:8].argmax(axis=1)
    assert begun(whisper) == [[1, int(token), 8, 10] for token in heard]


def test_times_come_first_where_they_are_asked_for(whisper: Any) -> None:
    for row in begun(whisper, language="en", return_timestamps=True):
        assert row[:3] == [1, 5, 8]
        assert row[3] > TOLD["no_timestamps_token_id"]


def test_what_the_model_does_not_know_is_refused(whisper: Any) -> None:
    with pytest.raises(InvalidInput, match="knows no language 'xx'"):
        begun(whisper, language="xx")
    with pytest.raises(InvalidInput, match="knows no task"):
        begun(whisper, task="sing")
    with pytest.raises(InvalidInput, match="1 languages for 2 rows"):
        begun(whisper, language=["en"])
