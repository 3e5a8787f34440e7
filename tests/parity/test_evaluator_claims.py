"""The evaluators that tests/http leaves out for time: claimed, published, verified."""

from pathlib import Path

import pytest

import reprise
from reprise.cli.main import run
from reprise.formats import claim
from reprise.formats.verdict import Level, Outcome
from reprise.isolate.limits import Level as Isolated
from reprise.verify.running import How, verify
from tests.evaluations import MORE_CASES, Case
from tests.sandboxes import skip_unless_available
from tests.verification import sound


@pytest.mark.parametrize("case", MORE_CASES, ids=lambda case: case.evaluator)
def test_a_claim_of_an_evaluator_is_made_and_verified(online, tmp_path: Path, case: Case) -> None:
    skip_unless_available(Isolated.RULES)
    folder = case.publish(tmp_path)
    assert run(["eval", "ada/net", "ada/rows", "--claim", "it", "--into", str(folder)]) == 0
    made = claim.read((folder / claim.FOLDER / "it.toml").read_text())
    assert (made.pins, made.run.entry) == ("full", f"{case.evaluator}@1")
    assert made.run.args.items() >= case.columns.items()
    reprise.publish(folder, "ada/net", lock=None)
    for level, outcome in ((Level.RERUN, Outcome.EXACT), (Level.RECOMPUTED, Outcome.REPRODUCED)):
        found = sound(*verify("ada/net", "it", How(level, folder=tmp_path / "evidence"))).verdict
        assert (found.outcome, found.n) == (outcome, made.result.n)
    assert online.url
