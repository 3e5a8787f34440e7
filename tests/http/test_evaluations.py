"""Built-in evaluators from end to end: evaluate, claim, publish; others verify without network."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import reprise
from reprise.cli.main import run
from reprise.formats import claim
from reprise.formats.verdict import Level, Outcome, Verdict
from reprise.isolate.limits import Level as Isolated
from reprise.verify.running import How, verify
from tests.evaluations import CASES, Case
from tests.sandboxes import skip_unless_available
from tests.verification import sound

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client


def how(tmp_path: Path, **more: object) -> How:
    return How(folder=tmp_path / "evidence", **more)


def only(name: str, chosen: How) -> Verdict:
    return sound(*verify("ada/net", name, chosen)).verdict


@pytest.mark.parametrize("case", [CASES[0], CASES[3]], ids=lambda case: case.evaluator)
def test_a_claim_of_an_evaluator_is_made_and_verified(online, tmp_path, case: Case) -> None:
    skip_unless_available(Isolated.RULES)
    made = case.claim(tmp_path)
    found = only("it", how(tmp_path))
    assert (found.outcome, found.n, found.pins) == (Outcome.EXACT, made.result.n, {})
    assert found.environment["isolation"] in {"rules", "namespaces"}
    again = only("it", how(tmp_path, level=Level.RECOMPUTED))
    assert (again.outcome, again.value) == (Outcome.REPRODUCED, found.value)
    assert again.subjects == found.subjects
    folder, gone = tmp_path / "net", replace(made, model=replace(made.model, repo="ada/gone"))
    (folder / claim.FOLDER / "it.toml").write_text(claim.write(gone))
    reprise.publish(folder, "ada/net", lock=None)
    without = only("it", how(tmp_path, level=Level.RECOMPUTED))  # predictions need no weights
    assert (without.outcome, without.value) == (Outcome.REPRODUCED, found.value)
    assert online.url


def test_a_score_on_the_card_of_a_model_without_code_is_verified(online, tmp_path) -> None:
    """It is asked in the usual way, which can confirm a claim, and contradict none."""
    skip_unless_available(Isolated.RULES)
    case = CASES[0]
    folder = case.publish(tmp_path)
    assert run(["eval", str(folder), "ada/rows", "--keep", str(tmp_path / "kept")]) == 0
    value = json.loads((tmp_path / "kept" / "result.json").read_text())["score"]["value"]
    result = {
        "task": {"type": "text-classification"},
        "dataset": {"name": "Rows", "type": "ada/rows", "split": "test"},
        "metrics": [{"type": "accuracy", "value": each} for each in (value, value + 0.5)],
    }  # fmt: skip
    index = [{"name": "net", "results": [result]}]
    card = yaml.safe_dump({"license": "mit", "model-index": index})
    (folder / "README.md").write_text(f"---\n{card}---\n# Net\n")
    reprise.publish(folder, "ada/net", lock=None)
    right, wrong = (sound(it).verdict for it in verify("ada/net", None, how(tmp_path)))
    assert (right.outcome, right.pins["run.entry"]) == (
        Outcome.REPRODUCED, "text-classification@1",
    )  # fmt: skip
    assert right.pins["run.args"]["label"] == "category"
    assert (wrong.outcome, float(wrong.value)) == (Outcome.UNVERIFIABLE, value)
    assert wrong.reason.startswith("0.5 below the claimed value, asked in the usual way;")
    assert online.url
