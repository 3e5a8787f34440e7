"""Times of words: the cheapest way through what a decoder attends to; tokens joined to words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput
from reprise.models.generate.alignment import Heads, median, token_moments, warp
from reprise.tasks import Pipeline, pipeline
from reprise.tasks.audio import Hearing
from reprise.tasks.speech_times import Window
from reprise.tasks.spoken_words import Word, join_words
from reprise.tasks.transcript import Heard, Marks, Said, Transcript, joined
from tests.whisper_models import short_whisper, sound

HEARING = Hearing(seconds=2)


def decoded(tokens: list[int]) -> str:
    """Read tokens that are bytes."""
    return bytes(tokens).decode("utf-8", "replace")


def test_the_way_is_the_cheapest() -> None:
    assert warp(np.array([[0.0, 9, 9, 9], [9, 0, 0, 9], [9, 9, 9, 0]])).tolist() == [0, 1, 3]
    assert warp(np.array([[0.0, 0, 0, 9], [9, 9, 9, 0]])).tolist() == [0, 3]
    assert warp(np.ones((1, 5))).tolist() == [0]
    assert warp(np.array([[5.0], [1.0], [3.0]])).tolist() == [0, 0, 0]  # more tokens than moments


@pytest.mark.parametrize("shape", [(2, 7), (6, 6), (9, 4), (12, 40)])
def test_the_way_is_that_of_the_definition(shape: tuple[int, int]) -> None:
    for seed in range(5):
        costs = np.random.default_rng(seed).standard_normal(shape)
        total = np.full((shape[0] + 1, shape[1] + 1), np.inf)
        total[0, 0] = 0
        for row, column in np.ndindex(shape):
            ways = total[row, column], total[row, column + 1], total[row + 1, column]
            total[row + 1, column + 1] = costs[row, column] + min(ways)
        entered = [*warp(costs).tolist(), shape[1] - 1]
        assert entered[0] == 0
        # Between two rows the way either goes down, or down and on.
        cost = 0.0
        for row in range(shape[0]):
            own, after = entered[row], entered[row + 1]
            ends = [after] if row == shape[0] - 1 else [after, after - 1]
            chosen = [end for end in ends if end >= own]
            cost += min(costs[row, own : end + 1].sum() for end in chosen)
        assert cost == pytest.approx(total[-1, -1])


def test_the_median_is_taken_of_neighbours() -> None:
    given = np.array([[1.0, 9, 1, 1, 8, 8], [3, 1, 2, 5, 4, 6]])
    assert median(given, 3).tolist() == [[9, 1, 1, 1, 8, 8], [1, 2, 2, 4, 5, 4]]
    assert median(given, 1).tolist() == given.tolist()
    assert median(given[:, :3], 7).tolist() == given[:, :3].tolist()  # shorter than its half


def test_tokens_begin_where_heads_begin_to_attend() -> None:
    there = np.full((2, 3, 30), 0.01)
    for token, (begin, end) in enumerate([(0, 8), (8, 20), (20, 30)]):
        there[:, token, begin:end] = 0.2
    there[1, 0, 15] = 0.9  # one head looks elsewhere for a moment: the median leaves it out
    assert token_moments(there, 7).tolist() == [0, 8, 20]
    assert token_moments(np.ones((1, 1, 5)), 7).tolist() == [0]  # one token: nothing differs


def test_tokens_are_joined_at_spaces_and_signs() -> None:
    tokens = list(" I am (so) fine, née “X”!".encode())
    found = join_words(tokens, decoded)
    assert [word.text for word in found] == [" I", " am", " (so)", " fine,", " née", " “X”!"]
    assert [(word.start, word.end) for word in found][3:5] == [(10, 16), (16, 21)]
    assert join_words([], decoded) == []


def test_without_spaces_words_are_characters() -> None:
    tokens = list("猫が好き。".encode())
    found = join_words(tokens, decoded, spaced=False)
    assert found == [Word("猫", 0, 3), Word("が", 3, 6), Word("好", 6, 9), Word("き。", 9, 15)]


def test_bytes_that_are_no_characters_are_kept() -> None:
    tokens = [*b" a", 0xFF, *b" b", 0xE7, 0x8C, *b" c", 0xE7]
    found = join_words(tokens, decoded)
    assert [(word.start, word.end) for word in found] == [(0, 3), (3, 7), (7, 10)]
    assert [word.text.strip("\ufffd") for word in found] == [" a", " b", " c"]


def test_pieces_join_only_where_time_goes_on() -> None:
    left = [Said(1, 0.0, 0.2), Said(2, 0.2, 0.4), Said(3, 0.4, 0.6)]
    right = [Said(2, 0.3, 0.4), Said(3, 0.4, 0.6), Said(4, 0.6, 0.9)]
    assert joined([left, right]) == [*left[:2], *right[1:]]
    early = [said._replace(start=said.start - 0.3, end=said.end - 0.3) for said in right]
    assert joined([left, early]) == [*left, *early]


def test_a_window_knows_where_the_sound_ends() -> None:
    assert Window(0, 32_000).moments(HEARING) == Window(0, 90_000).moments(HEARING) == 100
    assert Window(0, 8_100).moments(HEARING) == 25
    assert Window(520, 90_000).moments(HEARING) == 21
    assert Window(60, 8_100).moments(HEARING) == 0
    assert Window(20, 8_100).seconds(np.array([0, 10]), HEARING, 0.02) == [0.2, pytest.approx(0.4)]
    assert Window(60, 8_100).seconds(np.array([0, 10]), HEARING, 0.02) == [0.5, 0.5]


def test_a_word_begins_where_the_token_before_it_is_heard() -> None:
    transcript = Transcript(Marks(300, 0.02, 2.0), decoded, by_word=True)
    transcript.hear(Heard([300, *b"a b", 350], [0.0, 0.1, 0.3, 0.5, 0.9]))
    assert transcript.finish() == [{"timestamp": (0.0, 1.0), "text": "a b"}]
    assert transcript.words == [{"text": "a", "timestamp": (0.0, 0.1)},
                                {"text": " b", "timestamp": (0.1, 0.5)}]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return short_whisper(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def pipes(folder: Path) -> list[Pipeline]:
    return [pipeline(model=folder, engine=engine, language="en") for engine in ("onnx", "torch")]


@pytest.mark.parametrize("options", [{}, {"language": "zh"}, {"chunk_length_s": 1.5}])
def test_both_engines_say_when_words_are_said(pipes: list[Pipeline], options: Any) -> None:
    lengths = (0.004, 0.5, 1.313, 5.2)
    given = [sound(3, seconds + 1)[: int(seconds * 16_000)] for seconds in lengths]
    told = {"return_timestamps": "word", **options}
    found = pipes[0](given, **told)
    assert found == pipes[1](given, **told) == [pipes[0](one, **told) for one in given]
    plain = pipes[0](given, **{**told, "return_timestamps": True})
    for one, sentences, seconds in zip(found, plain, lengths, strict=True):
        assert one["text"] == sentences["text"]
        assert one["chunks"]
        assert all(0 <= time <= seconds for word in one["chunks"] for time in word["timestamp"])


def test_heads_are_those_that_the_settings_name(pipes: list[Pipeline]) -> None:
    shown = pipes[0].model(
        input_features=HEARING.features(sound(1, 2))[None],
        decoder_input_ids=np.array([[300, 7, 8]]), output_attentions=True,
    )  # fmt: skip
    cross = [layer[0] for layer in shown.cross_attentions]
    chosen = Heads(((0, 1), (2, 0))).chosen({0: cross[0], 2: cross[2]})
    assert chosen.tolist() == [cross[0][1].tolist(), cross[2][0].tolist()]
    for pipe in pipes:
        aligner = pipe._aligner()
        encoded = pipe.model.runner().encode(
            {"input_features": HEARING.features(sound(1, 2))[None]}
        )
        np.testing.assert_allclose(aligner._attended(encoded, [300, 7, 8]), chosen, atol=2e-6)


def test_a_smaller_model_may_guess(pipes: list[Pipeline], tmp_path: Path) -> None:
    small = pipeline(model=short_whisper(tmp_path, width=8)).model
    given, told = sound(3, 1.5), {"return_timestamps": "word"}
    assert pipes[0](given, assistant_model=small, **told) == pipes[0](given, **told)


def test_the_settings_of_generation_say_what_a_text_begins_with(
    folder: Path, pipes: list[Pipeline], tmp_path: Path
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").unlink()
    other = config | {"decoder_start_token_id": config["eos_token_id"]}
    (tmp_path / "config.json").write_text(json.dumps(other))
    pipe = pipeline(model=tmp_path, language="en")
    for told in ({}, {"return_timestamps": "word"}):
        assert pipe(sound(3, 1.5), **told) == pipes[0](sound(3, 1.5), **told)


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        (None, "need alignment_heads, and the generation_config.json of this model has none"),
        ([], "pairs of layer and head"),
        ([[3, 0]], "the decoder has 3 layers of 2 heads"),
        ([[0, 2]], "3 layers of 2 heads"),
        ([[0, True]], "pairs"),
        ([[0]], "pairs"),
        ("0,1", "pairs"),
    ],
)
def test_a_model_must_name_its_heads(
    folder: Path, tmp_path: Path, heads: Any, message: str
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    told = json.loads((folder / "generation_config.json").read_text()) | {"alignment_heads": heads}
    (tmp_path / "generation_config.json").unlink()
    (tmp_path / "generation_config.json").write_text(json.dumps(told))
    pipe = pipeline(model=tmp_path, language="en")
    with pytest.raises(InvalidInput, match=message):
        pipe(sound(1, 1), return_timestamps="word")
    assert pipe(sound(1, 1), return_timestamps=True)["chunks"]


@pytest.mark.parametrize("asked", ["char", "words", 3, ["word"]])
def test_what_times_there_are_is_said(pipes: list[Pipeline], asked: Any) -> None:
    with pytest.raises(InvalidInput, match="gives times of sentences, True, or of words, 'word'"):
        pipes[0](sound(1, 1), return_timestamps=asked)
    with pytest.raises(InvalidInput, match="return_timestamps is True or False, not"):
        pipes[0].model.generate(
            input_features=HEARING.features(sound(1, 1))[None], return_timestamps=asked
        )
