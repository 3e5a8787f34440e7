"""`reprise run`: data on stdout, what ran on stderr."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.cli.main import run
from reprise.tasks import Stopped
from tests.pipeline_models import save


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save(tmp_path_factory.mktemp("model"), "BertForSequenceClassification"))


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_text_is_answered(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", folder, "My card", "--json"]) == 0
    captured = capsys.readouterr()
    (found,) = json.loads(captured.out)
    assert set(found) == {"label", "score"}
    assert captured.err == f"text-classification with {folder}, engine onnx\n"


def test_people_see_one_line_per_finding(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-q", "run", folder, "text-classification", "My card", "-o", "top_k=2"]) == 0
    captured = capsys.readouterr()
    assert [line.split("\t")[0] for line in captured.out.splitlines()] in (
        ["LABEL_0", "LABEL_1"], ["LABEL_1", "LABEL_0"]
    )  # fmt: skip
    assert captured.err == ""


def test_lines_of_stdin_are_answered_one_by_one(
    folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin(monkeypatch, "one card\n\nzwei Kärtchen\n".encode())
    assert run(["run", folder, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(each) for each in found] == [{"label", "score"}] * 2


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (b"\xff\xfe\n", [], "Line 1 is not UTF-8"),
        (b"", ["My card", "-o", "top_k=0"], "top_k is 0"),
        (b"", ["My card", "--batch", "none"], "batch is 'none'"),
        (b"", ["My card", "--task", "nonsense"], "There is no task 'nonsense'"),
    ],
)
def test_what_is_wrong_is_said(
    folder: str, data: bytes, arguments: list[str], message: str, *,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    stdin(monkeypatch, data)
    assert run(["run", folder, *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_what_has_an_option_of_its_own_is_no_parameter(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", folder, "My card", "-o", "engine=onnx"]) == 2
    assert "engine is no parameter of a task; write --engine" in capsys.readouterr().err


def test_ctrl_c_prints_what_was_done(
    folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Iterator[object]:
        yield "first"
        raise Stopped(["second", None, "fourth"])

    monkeypatch.setattr("reprise.tasks.base.Pipeline.lines", interrupted)
    stdin(monkeypatch, b"a\nb\nc\nd\n")
    assert run(["run", folder, "--json"]) == 130
    assert capsys.readouterr().out.splitlines()[:2] == ['"first"', '"second"']


def test_a_folder_without_a_model_is_no_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", str(tmp_path), "My card"]) == 1
    assert "holds no config.json" in capsys.readouterr().err
