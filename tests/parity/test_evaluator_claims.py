"""The evaluators that tests/http leaves out for time: claimed, published, verified."""

from dataclasses import replace
from pathlib import Path

import pytest

import reprise
from reprise.cli.main import run
from reprise.formats import claim
from reprise.formats.verdict import Level, Outcome
from reprise.isolate.limits import Level as Isolated
from reprise.verify.running import How, verify
from tests.evaluations import CASES, MORE_CASES, Case
from tests.sandboxes import skip_unless_available
from tests.verification import sound


@pytest.mark.parametrize("case", [*CASES[1:3], *MORE_CASES], ids=lambda case: case.evaluator)
def test_a_claim_of_an_evaluator_is_made_and_verified(online, tmp_path: Path, case: Case) -> None:
    skip_unless_available(Isolated.RULES)
    made = case.claim(tmp_path)
    for level, outcome in ((Level.RERUN, Outcome.EXACT), (Level.RECOMPUTED, Outcome.REPRODUCED)):
        found = sound(*verify("ada/net", "it", How(level, folder=tmp_path / "evidence"))).verdict
        assert (found.outcome, found.n) == (outcome, made.result.n)
    assert online.url


def test_one_changed_tensor_contradicts_a_claim_and_the_rows_are_listed(online, tmp_path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    skip_unless_available(Isolated.RULES)
    classify = reprise.pipeline("text-classification", CASES[0].save(tmp_path / "first"))
    said = classify([row["text"] for row in CASES[0].rows])
    rows = [{**row, "category": one["label"]}
            for row, one in zip(CASES[0].rows, said, strict=True)]  # fmt: skip
    folder = replace(CASES[0], rows=rows).publish(tmp_path)
    assert run(["eval", "ada/net", "ada/rows", "--claim", "it", "--into", str(folder)]) == 0
    path = folder / claim.FOLDER / "it.toml"
    made = claim.read(path.read_text())
    tensors = safetensors.load_file(folder / "model.safetensors")
    tensors["classifier.weight"] = -tensors["classifier.weight"]
    safetensors.save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    commit = reprise.publish(folder, "ada/net", lock=None).commit
    (report,) = verify("ada/net", "it", How(folder=tmp_path / "evidence"))
    assert report.verdict.outcome is Outcome.EXACT  # the claim pins the weights that it is about
    moved = replace(made.model, commit=commit, tree_sha256=None)
    path.write_text(claim.write(replace(made, model=moved)))
    reprise.publish(folder, "ada/net", lock=None)
    found = sound(*verify("ada/net", "it", How(folder=tmp_path / "evidence"))).verdict
    assert (found.outcome, found.flips.count > 10) == (Outcome.CONTRADICTED, True)
    assert len(found.flips.examples) == found.flips.count
    assert online.url
