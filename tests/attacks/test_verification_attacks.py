"""Model code that wants to pass: it reads the truth, lies, answers nonsense, never ends."""

import json
from dataclasses import replace

import pytest

import reprise
from reprise.formats.verdict import Outcome
from reprise.isolate.limits import Level, Limits
from reprise.verify import predictions
from reprise.verify.running import verify
from tests.sandboxes import skip_unless_available
from tests.verification import how, write_data

CARD = """---
license: mit
model-index:
- name: net
  results:
  - task: {type: text-classification}
    dataset: {type: ada/rows, name: rows, split: test}
    metrics:
    - {type: accuracy, value: 1.0}
---
# Net
"""


@pytest.fixture
def verdict_on(online, tmp_path):
    """Publish code and verify what its card claims."""
    skip_unless_available(Level.RULES)
    reprise.publish(write_data(tmp_path / "rows"), "ada/rows", repo_type="dataset")

    def judge(body: str, limits: Limits | None = None, seconds: float = 60):
        folder = tmp_path / "net"
        folder.mkdir(exist_ok=True)
        (folder / "hubconf.py").write_text(
            "dependencies = []\n\ndef net():\n    '''Answer.'''\n    return _answer\n\n"
            f"def _answer(questions):\n{body}"
        )
        (folder / "README.md").write_text(CARD)
        reprise.publish(folder, "ada/net", lock=None)
        chosen = how(tmp_path)
        isolation = replace(chosen.isolation, limits=limits, call_seconds=seconds)
        (report,) = verify("ada/net", None, replace(chosen, isolation=isolation))
        return report

    yield judge
    assert online.url


def test_the_truth_cannot_be_read(verdict_on) -> None:
    """The rows lie in the cache of the one who verifies; only the questions are sent."""
    code = """    import glob, os
    found = [path for root in ("/tmp", "/root", "/home", "/work", "/var")
             for path in glob.glob(root + "/**/*.csv", recursive=True) if os.access(path, os.R_OK)]
    return ["found" if found else "nothing"] * len(questions)
"""
    report = verdict_on(code)
    kept = (report.folder / "predictions.jsonl").read_text()
    assert report.verdict.outcome is Outcome.CONTRADICTED
    assert {json.loads(line)["prediction"] for line in kept.splitlines()} == {"nothing"}


def test_there_is_no_network(verdict_on) -> None:
    code = """    import socket
    socket.create_connection(("127.0.0.1", 80), 5)
"""
    report = verdict_on(code)
    assert report.verdict.outcome is Outcome.NOT_RUNNABLE
    assert "Error" in (report.folder / "log.txt").read_text()


@pytest.mark.parametrize("answer", ["[object()] * len(questions)", "None"])
def test_nonsense_is_no_prediction(verdict_on, answer) -> None:
    report = verdict_on(f"    return {answer}\n")
    assert (report.verdict.outcome, report.verdict.value) == (Outcome.NOT_RUNNABLE, None)


def test_code_that_ends_its_process_is_not_runnable(verdict_on) -> None:
    report = verdict_on("    import os\n    os._exit(0)\n")
    assert report.verdict.outcome is Outcome.NOT_RUNNABLE


def test_code_that_never_ends_is_ended(verdict_on) -> None:
    report = verdict_on("    while True: pass\n", seconds=2)
    assert (report.verdict.outcome, report.verdict.value) == (Outcome.NOT_RUNNABLE, None)


def test_code_that_takes_all_memory_is_ended(verdict_on) -> None:
    limits = Limits(memory=1 << 30, wall_seconds=60)
    report = verdict_on("    return ['x' * (4 << 30)] * len(questions)\n", limits)
    assert report.verdict.outcome is Outcome.NOT_RUNNABLE


def test_scores_that_lie_about_doubt_buy_one_example_in_a_thousand(verdict_on) -> None:
    """Noise on purpose: every answer looks like a coin toss, so everything could have flipped."""
    code = """    import random
    pair = lambda: [{"label": label, "score": 0.5 + random.random()} for label in "ab"]
    return [pair() for question in questions]
"""
    report = verdict_on(code)
    assert report.verdict.outcome is Outcome.CONTRADICTED
    assert float(report.verdict.tolerance) <= 0.05 + 1 / 200


def test_an_example_cannot_be_predicted_twice() -> None:
    twice = predictions.encode([0, 0], ["a", "b"])
    with pytest.raises(reprise.RepriseError, match="have example '0' twice"):
        predictions.decode(twice)
