"""Which text may stand where an answer has to be a JSON object: what `json.loads` reads."""

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.models.generate.history import History
from reprise.tokenizers import Tokenizer
from reprise.worker.inside.json_shape import MOST_LEVELS, JsonShape
from reprise.worker.inside.spelling import Shaped, Spelling
from tests.pipeline_models import texts

OBJECT = JsonShape()
CALL = JsonShape(('<call "find">', '<call "lose">'), "</call>")
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    PLAIN.filter(lambda it: it not in {float("inf"), float("-inf")}),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(), it, max_size=3),
    max_leaves=8,
)
ODD = st.sampled_from([*'{}[]",:0123eE+-. tfn\\u\n\x01é', "", "true", "\\u00", '"a"', "-0"])


def whole(shape: JsonShape, text: str) -> bool:
    state = shape.read(shape.start, text)
    return state is not None and shape.over(state)


def is_object(text: str) -> bool:
    def refuse(name: str) -> Any:
        raise ValueError(name)

    try:
        return isinstance(json.loads(text, parse_constant=refuse), dict)
    except ValueError:
        return False


@given(st.dictionaries(st.text(), VALUES, max_size=3), st.booleans(), st.sampled_from([None, 2]))
def test_every_object_is_read_whole_and_in_pieces(
    value: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert whole(OBJECT, text)
    state = OBJECT.start
    for character in text:
        assert not OBJECT.over(state)
        state = OBJECT.read(state, character)
        assert state is not None


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), ODD, st.data())
def test_what_is_no_json_is_no_json(value: dict[str, Any], odd: str, data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    changed = (text[:at] + odd + text[at + data.draw(st.integers(0, 1)) :]).rstrip()
    assert whole(OBJECT, changed) is is_object(changed)


@pytest.mark.parametrize("text", ["[]", '"a"', "1", "{}{}", "{} ", "{,}", '{"a":1,}', '{"a":01}',
                                  '{"a":.5}', '{"a":1.}', '{"a":+1}', "{'a':1}", '{"a":tru}',
                                  '{"a" 1}', '{"a":"\\x"}', '{"a":"\\u12g4"}', "{} x"])  # fmt: skip
def test_what_python_may_forgive_is_refused(text: str) -> None:
    assert not whole(OBJECT, text)


def test_there_is_an_end_to_levels_and_white_space() -> None:
    deep = '{"a":' + "[" * (MOST_LEVELS - 1)
    assert OBJECT.read(OBJECT.start, deep) is not None
    assert OBJECT.read(OBJECT.start, deep + "[") is None
    for space in ("  ", " \n", "\r\n", "\n" + " " * 8, "\n\t"):
        assert whole(OBJECT, f'{{{space}"a"{space}:{space}1{space}}}')
    for space in ("   ", "\n\n", "\n" + " " * 9, "\n \n"):
        assert OBJECT.read(OBJECT.start, "{" + space) is None


def test_something_may_stand_around_it() -> None:
    assert whole(CALL, '<call "find">{"a": {}}</call>')
    assert whole(CALL, '<call "lose">{}</call>')
    for text in ('<call "hide">{}</call>', '{"a": {}}', '<call "find">{}', '<call "find">{}</a'):
        assert not whole(CALL, text)


@pytest.mark.parametrize("kind", ["BPE", "WordPiece", "Unigram"])
def test_whatever_tokens_are_preferred_the_text_is_json(kind: str) -> None:
    tokenizer = Tokenizer.train_new(
        kind, [*texts(200), *['{"a": [1.5e-3, true], "naïve": "日本"}'] * 3], vocab_size=500,
        specials={"eos_token": "</s>", "unk_token": "[UNK]"},
    )  # fmt: skip
    spelling = Spelling(tokenizer)
    end = tokenizer.eos_token_id
    closing = np.array([2 * len(re.findall('["}\\]]', text)) for text in spelling.texts])
    for seed in range(6):
        drawn = np.random.default_rng(seed)
        history = History(np.array([1]), 400)
        rule = Shaped(spelling.masks(OBJECT), (end,))
        for step in range(400):
            scores = drawn.standard_normal(len(closing) + 5).astype(np.float32)  # of a wide model
            scores[: len(closing)] += closing * (step > 40)
            rule(scores, history)
            history.append(int(scores.argmax()))
            if history.ids[-1] == end:
                break
        pieces = tokenizer.stream(history.new.tolist(), skip_special_tokens=True)
        assert isinstance(json.loads("".join(pieces)), dict)
