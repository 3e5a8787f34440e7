"""Boards, exports and imports hold for whatever names and numbers there are."""

import csv
import io
import json
from itertools import pairwise
from statistics import fmean

from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.formats import csv_table, sota
from reprise.formats.signature import board_key, comparable, parse
from reprise.registry.example_scores import read
from reprise.registry.ranking import Measured, places

TEXT = st.text(st.characters(exclude_characters="|:@", exclude_categories=["Cs"]), min_size=1,
               max_size=8)  # fmt: skip
KEYS = st.sampled_from(["n", "average", "unit", "seed", "bs", "def", "norm"])
SIGNATURES = st.builds(
    lambda name, version, fields: "|".join(
        [f"{name}@{version}", *(f"{key}:{value}" for key, value in fields.items())]
    ),
    st.sampled_from(["f1", "bleu"]),
    st.sampled_from(["1.0", "1.1", "2.0"]),
    st.dictionaries(KEYS, st.sampled_from(["1", "2", "macro"])),
)


@given(SIGNATURES, SIGNATURES)
def test_two_values_share_a_board_exactly_when_they_may_be_compared(a: str, b: str) -> None:
    assert (board_key(a) == board_key(b)) is bool(comparable(a, b))
    assert board_key(board_key(a)) == board_key(a)
    assert parse(board_key(a))["id"] == parse(a)["id"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 0.2)), max_size=8))
def test_intervals_of_ranks_hold_every_rank_and_follow_the_values(
    rows: list[tuple[float, float]],
) -> None:
    found = places([Measured(value, spread) for value, spread in rows])
    assert all(1 <= it.best <= it.worst <= len(rows) for it in found)
    for rank in range(1, len(rows) + 1):
        assert any(it.best <= rank <= it.worst for it in found)
    in_order = sorted(zip(rows, found, strict=True), key=lambda it: -it[0][0])
    equal = [it[1] for it in in_order if it[0][1] == in_order[0][0][1]]
    assert all(a.best <= b.best for a, b in pairwise(equal))


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["task", "datasets", "dataset", "sota", "rows", "metrics", "subtasks",
                         "model_name", "paper_url", "subdatasets"]), inner, max_size=5),
    max_leaves=30,
))  # fmt: skip
def test_any_json_is_read_or_refused(value: object) -> None:
    task = {"task": "t", "datasets": [{"dataset": "d", "sota": {"rows": [value]}}, value],
            "subtasks": [value]}  # fmt: skip
    for row in sota.read(json.dumps([task])):
        assert row.task
        assert row.value
        assert row.url == "" or row.url.startswith("http")


@given(st.lists(st.lists(st.text(max_size=10) | st.floats(allow_nan=False), min_size=2, max_size=2),
                max_size=5))  # fmt: skip
def test_no_text_becomes_a_formula_and_none_is_lost(rows: list[list[object]]) -> None:
    written = csv_table.write(["a", "b"], rows)
    back = list(csv.reader(io.StringIO(written, newline="")))[1:]
    for row, cells in zip(rows, back, strict=True):
        for value, cell in zip(row, cells, strict=True):
            if isinstance(value, str):
                plain = value.replace("\r\n", "\n").replace("\r", "\n")
                assert cell.removeprefix("'") == plain.removeprefix("'")
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            else:
                assert float(cell) == value


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), TEXT)
def test_scores_have_the_mean_that_was_measured(scores: list[float], name: str) -> None:
    rows = [{"id": n, "prediction": None, f"{name}s": it} for n, it in enumerate(scores)]
    text = "\n".join(json.dumps(it) for it in ({"format": "reprise-examples/1"}, *rows))
    value = fmean(scores)
    found = read(text, value)
    assert found == {str(n): (it, 1.0) for n, it in enumerate(scores)}
