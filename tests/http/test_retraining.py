"""Claims about training: trained again with fresh seeds, each time in a worker of its own."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import reprise
from reprise.cli.main import run
from reprise.formats import claim, verdict
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated
from reprise.formats.verdict import Level, Outcome
from reprise.hub import Isolation
from reprise.isolate.limits import Level as Isolated
from reprise.verify.retraining import Plan
from reprise.verify.running import How, Report, verify
from tests.sandboxes import skip_unless_available
from tests.verification import CARD, intents, sound

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client
HUBCONF = '''
import random
from collections import Counter, defaultdict

dependencies = []

def train(rows, seed, share=0.7):
    """Weigh words by the intents of some of the questions; which ones, the seed decides."""
    draw = random.Random(seed)
    pairs = list(zip(rows["text"], rows["category"]))
    weights = defaultdict(Counter)
    for text, intent in draw.sample(pairs, int(share * len(pairs))):
        weights[intent].update(set(text.lower().split()))
    return _Classifier(weights)

def guess(rows, seed):
    """Learn nothing."""
    return lambda questions: [sorted(set(rows["category"]))[0]] * len(questions)

def forever(rows, seed):
    """Never end."""
    while True:
        pass

class _Classifier:
    def __init__(self, weights):
        self.weights = weights

    def __call__(self, questions):
        return [self.answer(question.lower().split()) for question in questions]

    def answer(self, words):
        scores = {i: sum(n[w] for w in words) for i, n in sorted(self.weights.items())}
        return max(scores, key=scores.get)
'''
BASE = Claim(
    task="text-classification", kind="training",
    model=ModelPin("ada/net"), data=DataPin("ada/rows", split="test"),
    metric=MetricPin("accuracy@1.0", unit="fraction"), result=Stated("0.78", n=200),
    run=Setup("entry-point", {"input": "text", "label": "category",
                              "train": {"name": "train", "split": "train"}}, seeds=(0,)),
)  # fmt: skip


REASONS = {
    "few": (Outcome.NOT_COMPARABLE, "not comparable: n: 100 or 200"),
    "inference": (
        Outcome.UNVERIFIABLE,
        'the claim does not say how to train: kind = "training" and run.args.train',
    ),
    "leak": (
        Outcome.UNVERIFIABLE,
        (
            "run.args.train.split is the split of the claimed value: a model that saw what is "
            "right proves nothing"
        ),
    ),
    "absent": (
        Outcome.NOT_RUNNABLE,
        "the repo has no entry point 'tune'; it has forever, guess, train",
    ),
    "rows": (
        Outcome.NOT_RUNNABLE,
        "the data's rows are not those of the claim (data.content-sha256)",
    ),
}


@pytest.fixture
def folder(online, tmp_path) -> Path:  # noqa: ARG001 - the hub to publish on
    skip_unless_available(Isolated.RULES)
    rows = tmp_path / "rows"
    rows.mkdir()
    for split in ("train", "test"):
        lines = [f'"{text}",{intent}\n' for text, intent in intents(split) if '"' not in text]
        (rows / f"{split}.csv").write_text("text,category\n" + "".join(lines))
    (rows / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Five intents\n")
    reprise.publish(rows, "ada/rows", repo_type="dataset")
    made = tmp_path / "net"
    (made / claim.FOLDER).mkdir(parents=True)
    (made / "hubconf.py").write_text(HUBCONF)
    (made / "README.md").write_text(CARD)
    return made


def state(folder: Path, claims: dict[str, Claim]) -> None:
    for slug, made in claims.items():
        (folder / claim.FOLDER / f"{slug}.toml").write_text(claim.write(made))
    reprise.publish(folder, "ada/net", lock=None)


def told(**train: object) -> Claim:
    """The claim with something else about its training."""
    args = {**BASE.run.args, "train": {**BASE.run.args["train"], **train}}
    return replace(BASE, run=replace(BASE.run, args=args))


def how(tmp_path: Path, **more: object) -> How:
    isolation = Isolation(environment=Path(sys.executable))
    plan = Plan(**{"most": 3, "seconds": 60, **more})
    return How(Level.RETRAINED, isolation, folder=tmp_path / "evidence", training=plan)


def only(slug: str, chosen: How) -> Report:
    return sound(*verify("ada/net", slug, chosen))


def test_training_is_repeated_until_the_outcome_is_clear(folder, tmp_path, capsys) -> None:
    stated = {
        "it": BASE,
        "high": replace(BASE, result=Stated("0.99", n=200)),
        "few": replace(BASE, result=Stated("0.78", n=100)),
        "inference": replace(BASE, kind="inference"),
        "leak": told(split="test"),
        "absent": told(name="tune"),
        "rows": told(**{"content-sha256": "0" * 64}),
    }
    state(folder, stated)
    report = only("it", how(tmp_path))
    found = report.verdict
    trainings = found.environment["trainings"]
    assert (found.outcome, found.level) == (Outcome.CONSISTENT, Level.RETRAINED)
    assert [it["seed"] for it in trainings] == [1, 2, 3]  # 0 is the claim's own
    assert len({it["value"] for it in trainings}) > 1
    assert abs(float(found.value) - 0.78) <= float(found.tolerance) < 0.2
    assert "run.args.train.content-sha256" in found.pins
    assert {path.name for path in report.folder.glob("predictions-*")} == {
        f"predictions-seed-{it['seed']}.jsonl" for it in trainings
    }
    assert verdict.from_dict(verdict.to_dict(found)) == found
    outcomes = {slug: only(slug, how(tmp_path)).verdict for slug in REASONS}
    assert {slug: (it.outcome, it.reason) for slug, it in outcomes.items()} == REASONS
    command = ["verify", "ada/net", "--claim", "high", "--level", "retrain", "--trainings", "3",
               "--worker-environment", sys.executable]  # fmt: skip
    capsys.readouterr()
    assert run(command) == 3
    assert "from the mean of 3 trainings" in capsys.readouterr().out


def test_training_that_never_ends_is_not_runnable(folder, tmp_path) -> None:
    state(folder, {"slow": told(name="forever"), "constant": told(name="guess")})
    slow = only("slow", how(tmp_path, seconds=2)).verdict
    assert (slow.outcome, "did not answer in time" in slow.reason) == (Outcome.NOT_RUNNABLE, True)
    constant = only("constant", how(tmp_path)).verdict  # no spread: only its own value would do
    assert (constant.outcome, constant.value) == (Outcome.CONTRADICTED, "0.2")
