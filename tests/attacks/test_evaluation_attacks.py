"""Claims of built-in evaluators that lie or are broken: each gets a verdict that says so."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import reprise
from reprise.formats import claim
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated
from reprise.formats.verdict import Outcome
from reprise.isolate.limits import Level as Isolated
from reprise.verify.running import How, verify
from tests.evaluations import CASES
from tests.pipeline_models import save
from tests.sandboxes import skip_unless_available

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client
BASE = Claim(
    task="text-classification", model=ModelPin("ada/net"), data=DataPin("ada/rows", split="test"),
    metric=MetricPin("accuracy@1.0"), result=Stated("0.9"),
    run=Setup("text-classification@1"),
)  # fmt: skip


class Harm:
    """A pickle that writes a file when it is read carelessly."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.write_text, (self.path, "harm"))


def run_with(entry: str = "text-classification@1", **args: object) -> Claim:
    return replace(BASE, run=Setup(entry, args))


@pytest.fixture
def folder(online, tmp_path) -> Path:  # noqa: ARG001 - the hub to publish on
    skip_unless_available(Isolated.RULES)
    made = CASES[0].publish(tmp_path)
    (made / claim.FOLDER).mkdir(parents=True)
    return made


def verdicts(folder: Path, tmp_path: Path, claims: dict[str, Claim]) -> dict[str, tuple[str, str]]:
    for slug, made in claims.items():
        (folder / claim.FOLDER / f"{slug}.toml").write_text(claim.write(made))
    reprise.publish(folder, "ada/net", lock=None)
    found = verify("ada/net", None, How(folder=tmp_path / "evidence"))
    return {it.found.id: (str(it.verdict.outcome), it.verdict.reason) for it in found}


def test_claims_that_no_evaluator_can_answer_are_unverifiable(folder, tmp_path) -> None:
    found = verdicts(folder, tmp_path, {
        "argument": run_with(folder="/etc"),
        "column": run_with(input="passwords"),
        "engine": run_with(engine="eval"),
        "unknown": run_with("inspect-ai/mmlu"),
        "version": run_with("text-classification@7"),
    })  # fmt: skip
    assert {outcome for outcome, _ in found.values()} == {"unverifiable"}
    reasons = {slug: reason for slug, (_, reason) in found.items()}
    assert reasons["argument"].startswith("text-classification takes no 'folder'.")
    assert reasons["column"] == "input is 'passwords', and the data has text, category."
    assert reasons["engine"] == "engine is 'eval'; use one of auto, onnx, torch."
    assert "which this version cannot run" in reasons["unknown"]
    assert "this version of Reprise has text-classification@1" in reasons["version"]


def test_another_protocol_than_the_signature_says_is_not_comparable(folder, tmp_path) -> None:
    """Perplexity with a long context, claimed under the signature of a short one."""
    metric = MetricPin(
        "perplexity@1.0", args={"level": "token", "context": 16, "stride": 16, "bos": False},
        signature="perplexity@1.0|n:40|value:perplexity|log:natural|level:token|context:16|"
        "stride:16|bos:no|unit:raw",
    )  # fmt: skip
    run = Setup("language-modelling@1", {"context": 64, "stride": 64, "input": "text"})
    made = replace(BASE, metric=metric, run=run, task="text-generation")
    save(folder, "GPT2LMHeadModel", model_type="gpt2", n_embd=32, n_layer=2, n_head=4,
         n_positions=64)  # fmt: skip
    found = verdicts(folder, tmp_path, {"it": made})
    reason = "not comparable: context: 16 or 64; stride: 16 or 64"
    assert found == {"it": ("not-comparable", reason)}


def test_weights_that_carry_code_are_not_run(folder, tmp_path) -> None:
    mark = tmp_path / "harmed"
    bad = tmp_path / "bad"
    shutil.copytree(folder, bad, ignore=shutil.ignore_patterns("*.safetensors", ".*"))
    (bad / "pytorch_model.bin").write_bytes(pickle.dumps(Harm(mark)))
    reprise.publish(bad, "ada/bad", lock=None)
    made = replace(BASE, model=ModelPin("ada/bad"))
    outcome, reason = verdicts(folder, tmp_path, {"it": made})["it"]
    assert (outcome, mark.exists()) == (str(Outcome.NOT_RUNNABLE), False)
    assert reason.startswith("its code failed")
