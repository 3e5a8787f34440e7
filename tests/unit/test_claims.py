"""Claims: read, written, hashed; from files of their own, cards and evaluation results."""

import pytest

from reprise.base.errors import InvalidFormat, InvalidId
from reprise.formats import card_claims, claim, yaml_json
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated

COMMIT, DIGEST = "1" * 40, "a" * 64
TEXT = f"""
schema = 1
task = "question-answering"
kind = "inference"

[model]
repo = "ada/reader"
commit = "{COMMIT}"
tree-sha256 = "{DIGEST}"
format = "safetensors"

[data]
repo = "ada/squad"
commit = "{COMMIT}"
split = "validation"
rows = 1190
content-sha256 = "{DIGEST}"

[metric]
id = "squad1@1.0"
value = "f1"
signature = "squad1@1.0|n:1190|value:f1"
unit = "percent"
higher-is-better = true

[result]
value = "72.70"
n = 1190
ci = ["70.4", "74.9"]

[run]
entry = "entry-point"
batch = 32
seeds = [0, 1]
lock = "{DIGEST}"

[run.args]
name = "reader"
"""
CARD = """
model-index:
- name: net
  results:
  - task: {type: text-classification}
    dataset: {type: ada/banking77, name: Banking77, config: default, split: test, revision: main}
    metrics:
    - {type: accuracy, value: 0.9146}
    - {type: F1 Score, value: 20.0 ± 1.2, args: {average: macro}}
    - {type: loss, value: none}
"""


def test_a_claim_is_read_and_written_alike() -> None:
    found = claim.read(TEXT)
    assert found == Claim(
        task="question-answering",
        model=ModelPin("ada/reader", COMMIT, DIGEST, "safetensors"),
        data=DataPin("ada/squad", COMMIT, split="validation", rows=1190, content_sha256=DIGEST),
        metric=MetricPin(
            "squad1@1.0", "f1", {}, "squad1@1.0|n:1190|value:f1", "percent", higher_is_better=True
        ),
        result=Stated("72.70", 1190, ("70.4", "74.9")),
        run=Setup("entry-point", {"name": "reader"}, batch=32, seeds=(0, 1), lock=DIGEST),
    )
    assert claim.read(claim.write(found)) == found
    assert (found.pins, found.missing_pins) == ("full", ())


def test_the_digest_is_of_content_and_not_of_layout() -> None:
    digest = claim.read(TEXT).digest
    assert claim.read(TEXT.replace(" = ", "   =  ")).digest == digest
    assert claim.read(TEXT.replace('"72.70"', '"72.7"')).digest != digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema = 1", "schema = 2", "This claim: schema is 2; this reads schema 1."),
        ('"72.70"', "72.70", ('This claim: result.value must be in quotes, which keep its '
         'decimals: value = "72.7".')),
        ('"72.70"', '"NaN"', ('This claim: result.value must be a decimal number such as "78.05", '
         "not 'NaN'.")),
        (COMMIT, "main", "This claim: model.commit must be a commit: 40 lower-case hex digits."),
        ("rows = 1190", "rows = -1", "This claim: data.rows must be a whole number from 0."),
        ("rows", "row", "This claim: data.row is unknown; did you mean rows."),
        ('"percent"', '"%"', ("This claim: metric.unit must be fraction or percent or raw, "
         "not '%'.")),
        ('["70.4", "74.9"]', '["74.9", "70.4"]',
         'This claim: result.ci must be two numbers in order: ["77.1", "79.0"].'),
        ('task = "question-answering"', "", "This claim: task is missing."),
        ("ada/reader", "../reader", None),
        ("[run]", "[run", None),
        ('name = "reader"', "name = 2020-01-01", None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(old, new, message) -> None:
    with pytest.raises(InvalidFormat) as caught:
        claim.read(TEXT.replace(old, new, 1))
    assert message is None or caught.value.message == message


def test_a_claim_is_named_like_a_file() -> None:
    assert claim.check_slug("banking77-accuracy") == "banking77-accuracy"
    with pytest.raises(InvalidId, match="cannot name a claim"):
        claim.check_slug("../claims")


def test_a_card_is_read_as_claims_with_missing_pins() -> None:
    found = card_claims.from_card(yaml_json.load(CARD), "ada/net", COMMIT)
    first, second = found.found
    assert (first.id, first.origin, first.path) == ("card-1", "model-index", "README.md")
    assert first.claim == Claim(
        task="text-classification",
        model=ModelPin("ada/net", COMMIT),
        data=DataPin("ada/banking77", config="default", split="test"),
        metric=MetricPin("accuracy"),
        result=Stated("0.9146"),
    )
    assert first.claim.pins == "partial"
    assert first.claim.missing_pins == (
        "data.commit", "data.content-sha256", "metric.signature", "metric.unit",
        "model.tree-sha256", "run.entry", "run.lock",
    )  # fmt: skip
    assert (second.claim.metric, second.claim.result) == (
        MetricPin("F1_Score", args={"average": "macro"}), Stated("20.0", stderr="1.2"),
    )  # fmt: skip
    assert found.problems == (
        "README.md: model-index[0].results[0].metrics[2]: value: 'none' is no number.",
    )


def test_evaluation_results_are_read_as_claims_and_written_for_the_hub_s_client() -> None:
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    from huggingface_hub import _eval_results as client

    entry = EvalResultEntry("cais/hle", "default", 20.9, dataset_revision=COMMIT)
    text = yaml_json.dump(eval_result_entries_to_yaml([entry]))
    path = ".eval_results/hle.yaml"
    (found,) = card_claims.from_eval_results(text, "ada/net", COMMIT, path=path).found
    assert (found.id, found.claim.data, found.claim.result) == (
        "eval-hle-1", DataPin("cais/hle", COMMIT), Stated("20.9"),
    )  # fmt: skip
    written = card_claims.to_eval_result(found.claim, "default", notes="no-tools")
    (again,) = client.parse_eval_result_entries([written])
    assert (again.dataset_id, again.value, again.dataset_revision, again.notes) == (
        "cais/hle", 20.9, COMMIT, "no-tools",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["- 1", "a: b", "- {value: 1}", "- {dataset: 3, value: 1}", "&"])
def test_broken_evaluation_results_are_problems_and_not_errors(text) -> None:
    found = card_claims.from_eval_results(text, "ada/net", COMMIT, path=".eval_results/x.yaml")
    assert (found.found, len(found.problems)) == ((), 1)


def test_claim_files_that_cannot_be_read_are_problems() -> None:
    good = card_claims.from_claim_file(TEXT, ".reprise/claims/squad-f1.toml")
    bad = card_claims.from_claim_file("x", ".reprise/claims/broken.toml")
    both = good + bad
    assert [item.id for item in both.found] == ["squad-f1"]
    assert both.problems[0].startswith(".reprise/claims/broken.toml: This claim is not TOML")
