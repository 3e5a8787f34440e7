"""Built-in evaluators from end to end: evaluate, claim, publish; others verify without network."""

from pathlib import Path

import pytest

import reprise
from reprise.cli.main import run
from reprise.formats import claim
from reprise.formats.verdict import Level, Outcome, Verdict
from reprise.isolate.limits import Level as Isolated
from reprise.verify.running import How, verify
from tests.evaluations import CASES, Case
from tests.sandboxes import skip_unless_available
from tests.verification import sound


def how(tmp_path: Path, **more: object) -> How:
    return How(folder=tmp_path / "evidence", **more)


def only(name: str, chosen: How) -> Verdict:
    return sound(*verify("ada/net", name, chosen)).verdict


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.evaluator)
def test_a_claim_of_an_evaluator_is_made_and_verified(online, tmp_path, case: Case) -> None:
    skip_unless_available(Isolated.RULES)
    folder = case.publish(tmp_path)
    assert run(["eval", "ada/net", "ada/rows", "--claim", "it", "--into", str(folder)]) == 0
    made = claim.read((folder / claim.FOLDER / "it.toml").read_text())
    assert (made.pins, made.run.entry) == ("full", f"{case.evaluator}@1")
    assert made.run.args.items() >= case.columns.items()
    reprise.publish(folder, "ada/net", lock=None)
    found = only("it", how(tmp_path))
    assert (found.outcome, found.n, found.pins) == (Outcome.EXACT, made.result.n, {})
    again = only("it", how(tmp_path, level=Level.RECOMPUTED))
    assert (again.outcome, again.value) == (Outcome.REPRODUCED, found.value)
    assert online.url
