"""Steps of the demo: run in order, compared with what was expected, ended by the first failure."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

import reprise
from reprise.base.errors import HubUnreachable, NotFound
from reprise.cli.demo.hub_process import running_hub
from reprise.cli.demo.report import Report
from reprise.cli.demo.steps import Check, Outcome, Step, run_steps
from reprise.cli.demo.workspace import client_environment, find_examples, temporary_folder

RIGHT = Step("right", lambda seen: seen.append("right") or Outcome((Check("so", 1, 1),)))
WRONG = Step("wrong", lambda seen: seen.append("wrong") or Outcome((Check("so", 0.9146, 0.9),)))
SKIPPED = Step("skipped", lambda seen: seen.append("skipped") or Outcome(skipped="no git"))


def fail(_: list[str]) -> Outcome:
    raise NotFound("There is no such repo.")


def run(*steps: Step) -> tuple[list[str], list, str]:
    seen: list[str] = []
    stream = io.StringIO()
    report = Report(Console(file=stream, width=100, highlight=False))
    results = []
    for result in run_steps(steps, seen, announce=report.announce):
        report.finish(result)
        results.append(result)
    report.summary(results, planned=len(steps))
    return seen, results, stream.getvalue()


def test_all_steps_run_when_each_is_right_or_skipped():
    seen, results, printed = run(RIGHT, SKIPPED, RIGHT)
    assert seen == ["right", "skipped", "right"]
    assert [result.is_right for result in results] == [True, True, True]
    assert "Everything is as it should be: 2 checks in 3 steps" in printed
    assert "skipped: no git" in printed


def test_a_wrong_step_ends_the_run_and_says_what_was_expected():
    seen, results, printed = run(RIGHT, WRONG, RIGHT)
    assert seen == ["right", "wrong"]
    assert [result.is_right for result in results] == [True, False]
    assert "WRONG: so: expected 0.9146, found 0.9" in printed
    assert "Something is not as it should be. Steps not run: 1." in printed


def test_a_step_that_fails_is_not_right():
    _, results, printed = run(Step("fails", fail))
    assert (results[0].is_right, results[0].error) == (False, "There is no such repo.")
    assert "There is no such repo." in printed


def test_of_two_mappings_only_the_difference_is_shown():
    check = Check("files", {"a": 1, "b": 2}, {"a": 1, "c": 3})
    assert check.difference == "expected {'b': 2, 'c': None}, found {'b': None, 'c': 3}"


def test_the_temporary_folder_goes_even_when_a_step_breaks():
    def work() -> None:
        with temporary_folder() as root:
            made.append(root)
            (root / "file").write_text("x")
            raise ZeroDivisionError

    made: list[Path] = []
    with pytest.raises(ZeroDivisionError):
        work()
    assert [root.exists() for root in made] == [False]


def test_a_client_inherits_no_hub_settings_and_writes_below_the_folder_only(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "secret of the caller")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    env = client_environment(tmp_path, endpoint="http://127.0.0.1:1")
    assert "HF_TOKEN" not in env
    assert "HF_HUB_OFFLINE" not in env
    homes = ("HF_HOME", "TORCH_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "REPRISE_TRUST_FILE")
    assert all(Path(env[name]).is_relative_to(tmp_path) for name in homes)


def test_without_a_checkout_the_demo_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(reprise, "__file__", str(tmp_path / "src" / "reprise" / "__init__.py"))
    with pytest.raises(NotFound) as raised:
        find_examples()
    assert raised.value.hint == "Run it from a checkout of the project: git clone, then make demo."


def test_a_hub_that_cannot_start_is_reported_with_its_log(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("not a hub")
    log = tmp_path / "log"
    hub = running_hub(tmp_path / "data", port=0, log=log, env=dict(os.environ))
    with pytest.raises(HubUnreachable, match="is not empty and holds no hub"), hub:
        pass
