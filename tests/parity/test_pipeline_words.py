"""Times of words beside transformers: the same words and times, tiny seeded Whisper.

Only behind the end of a recording results differ: transformers hears the silence that fills a
window and gives its words times there; here nothing is later than the end.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not find_spec("transformers"):
    pytest.skip("needs transformers", allow_module_level=True)

from reprise.tasks import pipeline
from reprise.tasks.spoken_words import join_words
from reprise.tokenizers import AutoTokenizer
from tests.whisper_models import WORDS, sound, timed_whisper

pytestmark = pytest.mark.filterwarnings("ignore")
TOLERANCE = 0.0201  # seconds: one moment of the encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = timed_whisper(tmp_path_factory.mktemp("words"), alignment_heads=[[0, 0], [0, 1]])
    known = AutoTokenizer.from_pretrained(made)
    shown = [known.decode([token]) for token in range(WORDS)]
    # Only letters that stand alone: what bytes that are no character count for is up to each.
    bad = [at for at, text in enumerate(shown) if not (text.isascii() and text.isprintable())]
    file = made / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"suppress_tokens": bad}))
    return made


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    from transformers import pipeline as reference

    return reference("automatic-speech-recognition", str(folder))


def assert_same(found: Any, expected: Any, end: float) -> None:
    assert found["text"] == expected["text"]
    assert [one["text"] for one in found["chunks"]] == [one["text"] for one in expected["chunks"]]
    for one, other in zip(found["chunks"], expected["chunks"], strict=True):
        inside = tuple(min(time, end) for time in other["timestamp"])
        assert one["timestamp"] == pytest.approx(inside, abs=TOLERANCE)
        assert max(one["timestamp"]) <= end


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize(
    ("seconds", "options"),
    [
        (7, {}),
        (29.987, {}),
        (7, {"num_beams": 3}),
        (95.123, {}),
        (70, {"chunk_length_s": 30}),
        (50, {"chunk_length_s": 30, "stride_length_s": (4, 2)}),
    ],
)
def test_words_and_their_times(
    folder: Path, theirs: Any, engine: str, seconds: float, options: dict[str, Any]
) -> None:
    told = {"max_new_tokens": 24, "num_beams": 1, "return_timestamps": "word", **options}
    ours = pipeline("automatic-speech-recognition", folder, engine=engine)
    for seed in range(3):
        given = sound(seed, seconds)
        found = ours(given, **told)
        assert len(found["chunks"]) > 1
        assert_same(found, theirs(given.copy(), **told), seconds)


TEXTS = [
    ' "Why?" she said (twice), "it\'s 3.50 $ -- no..."',
    " ¿Qué tal, señor? ¡Muy bien! Été, c'est “fini”…",
    "私は猫が好きです。「本当?」と聞いた、ね。",
    " สวัสดีครับ ວຽງຈັນ မြန်မာ 粵語係咁㗎",
    " smile 😀 family 👨‍👩‍👧 ok !!! (\"x\") [y] {z}",
    "  two  spaces\nand a line\t. ,",
    "",
]  # fmt: skip


@pytest.mark.parametrize("language", ["english", "japanese"])
def test_tokens_are_joined_as_there(folder: Path, language: str) -> None:
    from transformers import WhisperTokenizer
    from transformers.models.whisper.tokenization_whisper import _combine_tokens_into_words

    reference, own = WhisperTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        tokens = own(text, add_special_tokens=False)["input_ids"]
        words, _, places = _combine_tokens_into_words(reference, tokens, language)
        found = join_words(tokens, own.decode, spaced=language == "english")
        assert [word.text for word in found] == words
        assert [list(range(word.start, word.end)) for word in found] == places
