"""`reprise data`: rows, splits, and what steps keep."""

import json
from pathlib import Path

import pytest

from reprise.cli.main import run
from reprise.data import Dataset, default_store, load_dataset

BANKING = str(Path(__file__).parents[2] / "examples" / "banking77")


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> object:
    assert run(["data", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_first_rows_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "head", BANKING, "--split", "test[5:]", "-n", "1")
    assert rows == [{"text": "When will I get my card?", "category": "card_arrival"}]


def test_splits_and_columns_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "show", BANKING)
    assert [(row["split"], row["rows"], row["column"]) for row in rows] == [
        ("train", 10_003, "text"),
        ("train", 10_003, "category"),
        ("test", 3_080, "text"),
        ("test", 3_080, "category"),
    ]


def test_what_steps_keep_is_listed_and_removed(
    capsys: pytest.CaptureFixture[str],
    client_home: Path,  # noqa: ARG001
) -> None:
    Dataset.from_dict({"x": [1, 2]}).map(lambda row: {"y": row["x"]})
    (row,) = printed(capsys, "du")
    assert (row["step"], row["name"], row["rows"]) == ("map", "<lambda>", 2)
    assert [r["key"] for r in printed(capsys, "gc", "--max-bytes", "0", "--dry-run")] == [
        row["key"]
    ]
    assert len(default_store().entries()) == 1
    printed(capsys, "gc", "--max-bytes", "0", "--yes")
    assert default_store().entries() == []


def test_what_each_data_set_takes_is_summed_up(
    capsys: pytest.CaptureFixture[str],
    client_home: Path,  # noqa: ARG001
) -> None:
    data = load_dataset(BANKING, split="test")
    data.map(lambda row: {"n": len(row["text"])}).filter(lambda row: row["n"] > 40)
    Dataset.from_dict({"x": [1]}).map(lambda row: {"y": row["x"]})
    rows = printed(capsys, "du")
    assert {(row["data"], row["step"]) for row in rows} == {
        (BANKING, "map"), (BANKING, "filter"), ("", "map"),
    }  # fmt: skip
    assert run(["data", "du"]) == 0
    told = capsys.readouterr().err
    assert f"for {BANKING}" in told
    assert "for data without a name" in told


def test_gc_wants_to_know_what_to_remove(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "gc"]) == 2
    assert "Say what to remove" in capsys.readouterr().err


def test_an_unknown_split_is_an_error_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["data", "head", BANKING, "--split", "dev"]) == 1
    assert "there are: train, test" in capsys.readouterr().err
