import json
from pathlib import Path

import pytest


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    said, true = tmp_path / "said.jsonl", tmp_path / "true.txt"
    said.write_text('"a b c"\n"a"\n')
    true.write_text("a b d\na\n")
    return said, true


def test_metrics_are_listed_and_searched(cli) -> None:
    done = cli("metric", "list", "squad")
    assert [line.split("\t")[:2] for line in done.out.splitlines()] == [
        ["squad1@1.0", "percent"], ["squad2@1.0", "percent"], ["squad2-best@1.0", "percent"],
    ]  # fmt: skip
    assert len(json.loads(cli("metric", "list", "--json").out)) == 46
    assert cli("metric", "list", "zzz").err == "There is no such metric.\n"


def test_a_definition_is_shown_with_options_and_hash(cli) -> None:
    shown = json.loads(cli("metric", "show", "seqeval", "--json").out)
    assert (shown["metric"], shown["main"], shown["unit"]) == (
        "entity_f1@1.0", "overall_f1", "fraction",
    )  # fmt: skip
    assert [option["name"] for option in shown["options"] if option["mandatory"]] == [
        "scheme", "mode",
    ]  # fmt: skip
    assert (
        f"definition {shown['definition']}, 6 test vectors" in cli("metric", "show", "seqeval").out
    )


def test_a_metric_is_computed_from_files(cli, files) -> None:
    said, true = files
    done = cli("metric", "compute", "wer", "-p", said, "-r", true)
    value, signature = done.out.splitlines()
    assert value.split("\t")[:3] == ["wer", "0.25", "fraction"]
    assert signature.startswith("wer@1.0|n:2|norm:none|split:space|unit:fraction|bs:1000|")


def test_json_has_values_scores_signature_and_notes(cli, files, tmp_path) -> None:
    said, true = files
    kept = tmp_path / "kept.jsonl"
    done = cli("metric", "compute", "wer", "-p", said, "-r", true, "--replicates", 0,
               "--examples", kept, "--json")  # fmt: skip
    answer = json.loads(done.out)
    assert (answer["values"], answer["notes"]) == ({"wer": 0.25}, [])
    assert answer["scores"][0]["ci"] is None
    assert len(kept.read_text().splitlines()) == 3


def test_options_are_json_or_text(cli, tmp_path) -> None:
    (tmp_path / "said.json").write_text("[0, 1, 2]")
    (tmp_path / "true.json").write_text("[0, 1, 1]")
    done = cli("metric", "compute", "f1", "-p", tmp_path / "said.json", "-r",
               tmp_path / "true.json", "-o", "average=macro", "-o", "labels=[0, 1]")  # fmt: skip
    assert done.out.startswith("f1\t0.8333333333333333\tfraction")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("said.json").write_text("{")
    Path("said.txt").write_text("a\n")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("show f2", 1, "There is no metric 'f2'."),
        ("compute wer -p absent.txt", 1, "absent.txt"),
        ("compute wer -p said.json", 1, "said.json cannot be read"),
        ("compute f1 -p said.txt -o average", 2, "write NAME=VALUE"),
        ("compute glue -p said.txt", 1, "glue is a benchmark of several tasks."),
        ("compute wer", 2, "Missing option '-p'"),
    ],
)
def test_mistakes_are_named(cli, command, code, error) -> None:
    done = cli("metric", *command.split())
    assert (done.code, done.out) == (code, "")
    assert error in done.err
