"""A tokenizer.json with anything changed anywhere works, or is an error of ours."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.base.errors import RepriseError
from reprise.tokenizers import EncodeOptions, TokenizerSpec, Truncation, Want, open_engine
from tests.tokenizer_files import KINDS, TEXTS, bert, trained

Path = tuple[Any, ...]
ALL = EncodeOptions(want=Want.ALL)
WINDOWS = EncodeOptions(truncation=Truncation(12, stride=2, return_overflow=True))
MOST = 40  # entries of a vocabulary that are offered for a change
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 255, 256, 1 << 32, 1 << 64, 1.5, 1e308, "", "a", "\0", "é",
    "x" * 300, [], {}, ["a"], ["a", 0], {"Regex": "("}, {"Regex": ""}, {"String": ""}, "Isolated",
    {"type": "NFKD"}, {"type": "ByteFallback"}, {"type": "UnicodeScripts"}, {"type": ["NFC"]},
    {"type": "Strip", "strip_left": True, "strip_right": True, "content": "a", "start": 1,
     "stop": 1},
    {"type": "Replace", "pattern": {"Regex": "."}, "content": ""},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
]  # fmt: skip


@cache
def contents() -> list[tuple[bytes, list[Path]]]:
    specs = [*(trained(kind).spec for kind in KINDS), bert().spec]
    return [(spec.to_json(), list(paths(json.loads(spec.to_json())))) for spec in specs]


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    keys: list[Any] = []
    if isinstance(value, dict | list):
        keys = list(value if isinstance(value, dict) else range(len(value)))
    for key in keys[:MOST]:
        yield from paths(value[key], (*at, key))


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    raw, places = draw(st.sampled_from(contents()))
    data = json.loads(raw)
    for _ in range(draw(st.integers(1, 2))):
        *outer, last = draw(st.sampled_from(places))
        part = data
        try:
            for key in outer:
                part = part[key]
            if draw(st.integers(0, 3)):
                part[last] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            else:
                del part[last]
        except (LookupError, TypeError):
            pass  # the first change took the place of the second away
    return json.dumps(data).encode()


@given(changed())
@settings(max_examples=300, deadline=None)
def test_a_changed_file_works_or_is_refused(raw: bytes) -> None:
    try:
        engine = open_engine(TokenizerSpec.from_json(raw))
        batch = engine.encode(TEXTS, ALL)
        engine.encode([(TEXTS[0], TEXTS[1])], WINDOWS)
        engine.decode(batch.ids, batch.row_splits, skip_special=True, clean_up=True)
    except RepriseError as error:
        assert error.message  # noqa: PT017 - the kind of the error is what is tested
