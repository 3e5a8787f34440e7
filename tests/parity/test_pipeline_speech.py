"""Sound of any length beside transformers: whole results, times among them, tiny seeded Whisper."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not find_spec("transformers"):
    pytest.skip("needs transformers", allow_module_level=True)

from reprise.base.errors import InvalidInput
from reprise.tasks import pipeline
from tests.whisper_models import sound, timed_whisper

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return timed_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    from transformers import pipeline as reference

    return reference("automatic-speech-recognition", str(folder))


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize(
    ("seconds", "options"),
    [
        (7, {"return_timestamps": True}),
        (47, {}),
        (95, {"return_timestamps": True}),
        (70, {"chunk_length_s": 20}),
        (70, {"chunk_length_s": 20, "return_timestamps": True}),
        (50, {"chunk_length_s": 10, "stride_length_s": (4, 2), "return_timestamps": True}),
        (21, {"chunk_length_s": 30, "stride_length_s": 5}),
    ],
)
def test_long_sound(
    folder: Path, theirs: Any, engine: str, seconds: int, options: dict[str, Any]
) -> None:
    ours = pipeline("automatic-speech-recognition", folder, engine=engine, max_new_tokens=24)
    for seed in range(2):
        given = sound(seed, seconds)
        follows = {} if "chunk_length_s" in options else {"return_timestamps": True}
        expected = theirs(given.copy(), num_beams=1, max_new_tokens=24, **{**follows, **options})
        if "return_timestamps" not in options:
            expected.pop("chunks", None)
        assert ours(given, **options) == expected


@pytest.fixture(scope="module")
def several(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, told that it knows two languages and two tasks."""
    made = tmp_path_factory.mktemp("several") / "whisper"
    shutil.copytree(folder, made)
    file = made / "generation_config.json"
    known = pipeline("automatic-speech-recognition", folder).tokenizer.get_vocab()
    told = {"is_multilingual": True, "lang_to_id": {n: known[n] for n in ("<|en|>", "<|de|>")},
            "task_to_id": {n: known[f"<|{n}|>"] for n in ("transcribe", "translate")}}  # fmt: skip
    file.write_text(json.dumps(json.loads(file.read_text()) | told))
    return made


@pytest.mark.parametrize(
    "options",
    [
        {"generate_kwargs": {"task": "transcribe"}},
        {"generate_kwargs": {"task": "translate"}, "return_timestamps": True},
        {"generate_kwargs": {"language": "de", "task": "translate"}, "return_timestamps": True},
        {"generate_kwargs": {"task": "transcribe"}, "chunk_length_s": 20},
    ],
)
def test_the_language_is_said_or_heard(several: Path, options: dict[str, Any]) -> None:
    from transformers import pipeline as reference

    theirs = reference("automatic-speech-recognition", str(several))
    ours = pipeline("automatic-speech-recognition", several, max_new_tokens=16)
    long = "return_timestamps" in options or "chunk_length_s" in options
    for seed in range(3):
        given = sound(seed, 41 if long else 9)
        told = {"num_beams": 1, "max_new_tokens": 16, **options["generate_kwargs"]}
        assert ours(given, **options) == theirs(
            given.copy(), **{**options, "generate_kwargs": told}
        )


def test_sounds_of_all_lengths_are_heard_together(folder: Path) -> None:
    pipe = pipeline("automatic-speech-recognition", folder, max_new_tokens=16)
    given = [sound(seed, seconds) for seed, seconds in enumerate((3, 65, 31, 12))]
    assert pipe(given) == [pipe(one) for one in given]


def test_what_cannot_be_is_refused(folder: Path) -> None:
    pipe = pipeline("automatic-speech-recognition", folder)
    for options, message in (
        ({"return_timestamps": "char"}, "sentences, True, or of words, 'word'"),
        ({"return_timestamps": "word"}, "need alignment_heads"),
        ({"chunk_length_s": 31}, "hears 30 seconds"),
        ({"chunk_length_s": 9, "stride_length_s": 5}, "nothing is left"),
        ({"chunk_length_s": "long"}, "must be a number"),
        ({"chunk_length_s": 9, "stride_length_s": (1, 2, 3)}, "a number, or two"),
    ):
        with pytest.raises(InvalidInput, match=message):
            pipe(sound(1, 3), **options)
