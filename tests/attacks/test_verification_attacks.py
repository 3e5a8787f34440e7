"""Model code that wants to pass: it reads the truth, lies, answers nonsense, never ends."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import CorruptContent, InvalidFormat
from reprise.formats import dsse
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Stated
from reprise.formats.verdict import Level as Rerun
from reprise.formats.verdict import Outcome, Verdict
from reprise.isolate.limits import Level, Limits
from reprise.verify import evidence, predictions
from reprise.verify.checking import check
from reprise.verify.running import verify
from tests.sandboxes import skip_unless_available
from tests.verification import BANKING, how, write_data

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client

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


def test_the_truth_cannot_be_read(verdict_on, tmp_path: Path) -> None:
    """The rows lie in the cache of the one who verifies; only the questions are sent."""
    assert list(tmp_path.rglob("*.csv"))
    code = f"""    import glob, os
    found = [path for root in {[str(tmp_path), str(BANKING)]}
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


@pytest.mark.parametrize("repo", ["evil.example:ada/rows", "localhost:1:ada/rows", "rows"])
def test_a_card_cannot_make_this_machine_open_other_places(
    online, tmp_path, monkeypatch, repo
) -> None:
    folder = tmp_path / "net"
    for name in ("net", "rows"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hubconf.py").write_text("def net():\n    pass\n")
    (folder / "README.md").write_text(CARD.replace("type: ada/rows", f'type: "{repo}"'))
    reprise.publish(folder, "ada/net", lock=None)
    monkeypatch.chdir(tmp_path)
    (report,) = verify("ada/net", None, how(tmp_path))
    assert (report.verdict.outcome, report.verdict.reason) == (
        Outcome.UNVERIFIABLE, f"the data {repo} is not on {online.url}, which alone is asked",
    )  # fmt: skip


SIGNED = Claim(
    "text-classification", ModelPin("ada/net"), DataPin("ada/rows"), MetricPin("accuracy@1.0"),
    Stated("0.9"),
)  # fmt: skip


@pytest.fixture
def envelope():
    """Make the signed verdict on a claim; the statement can be changed before it is signed."""
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    key = bytes(range(32))
    public = ed25519.Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()

    def make(claim: Claim = SIGNED, **changes: object) -> tuple[bytes, list[bytes]]:
        made = Verdict(claim.digest, Rerun.RERUN, Outcome.REPRODUCED, "0.9", "0.9")
        said = replace(evidence.statement(made), **changes)
        return dsse.encode(dsse.sign(dsse.encode_statement(said), key)), [public]

    return make


def test_a_signed_verdict_is_good_for_its_claim_only(envelope) -> None:
    data, keys = envelope()
    assert check(data, SIGNED, keys).signers == (dsse.key_id(keys[0]),)
    better = replace(SIGNED, result=Stated("0.99"))
    with pytest.raises(CorruptContent, match="is about another claim"):
        check(data, better, keys)
    with pytest.raises(CorruptContent, match="None of the accepted keys"):
        check(data, SIGNED, [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subjects": {"claim": "0" * 64}}, "name different content"),
        ({"predicate_type": "https://example.com/other"}, "no verdict"),
        ({"predicate": {"schema": 1}}, "needs claim, level, outcome and claimed"),
    ],
)
def test_a_statement_that_contradicts_its_verdict_is_refused(envelope, changes, message) -> None:
    data, keys = envelope(**changes)
    with pytest.raises((CorruptContent, InvalidFormat), match=message):
        check(data, SIGNED, keys)


def test_an_example_cannot_be_predicted_twice() -> None:
    twice = predictions.encode([0, 0], ["a", "b"])
    with pytest.raises(reprise.RepriseError, match="have example '0' twice"):
        predictions.decode(twice)
