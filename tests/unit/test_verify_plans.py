"""From a claim to a run: what is said is used, what can be found is found, guesses are refused."""

from decimal import Decimal

import pytest

from reprise.base.errors import InvalidFormat, NotFound
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated
from reprise.formats.verdict import Outcome
from reprise.metrics.catalogue import resolve
from reprise.verify import plan, predictions
from reprise.verify.plan import Columns, NoAnswer, Offer
from reprise.verify.predictions import Prediction, read_answer
from reprise.verify.rerun import Rerun, noise_of, other_batch
from reprise.verify.rows import read_split
from reprise.verify.scoring import named, score


def claimed(metric: str = "accuracy", **run: object) -> Claim:
    return Claim(
        "text-classification", ModelPin("ada/net"), DataPin("ada/rows"), MetricPin(metric),
        Stated("0.9"), Setup(**run),
    )  # fmt: skip


NET, LABELS = Offer("net", needs_arguments=False), Offer("labels", needs_arguments=False)
MAKE = Offer("make", needs_arguments=True)


@pytest.mark.parametrize(
    ("offers", "checked", "run", "entry"),
    [
        ([NET], [], {}, "net"),
        ([NET, MAKE], [], {}, "net"),
        ([NET, LABELS], ["net"], {}, "net"),
        ([NET, LABELS], [], {"args": {"name": "labels"}}, "labels"),
        ([NET, LABELS], [], {"entry": "entry-point", "args": {"name": "net"}}, "net"),
    ],
)
def test_the_entry_point_is_the_one_that_can_be_meant(offers, checked, run, entry) -> None:
    assert plan.calling(claimed(**run), offers, checked).entry == entry


@pytest.mark.parametrize(
    ("run", "outcome", "reason"),
    [
        ({}, Outcome.UNVERIFIABLE, "does not say which entry point: run.args.name; the repo has"),
        ({"args": {"name": "nets"}}, Outcome.NOT_RUNNABLE, "no entry point 'nets'; there is net"),
        ({"entry": "harness"}, Outcome.UNVERIFIABLE, "run.entry is 'harness', which this version"),
        ({"args": {"nme": "net"}}, Outcome.UNVERIFIABLE, "run.args has 'nme', which means nothing"),
        ({"args": {"name": "net", "kwargs": 1}}, Outcome.UNVERIFIABLE, "kwargs must be a table"),
    ],
)
def test_an_entry_point_is_never_guessed(run, outcome, reason) -> None:
    with pytest.raises(NoAnswer, match=reason) as caught:
        plan.calling(claimed(**run), [NET, LABELS], [])
    assert caught.value.outcome is outcome


@pytest.mark.parametrize(
    ("names", "textual", "args", "found"),
    [
        (["text", "category"], ["text", "category"], {}, ("text", "category")),
        (["tokens", "tags"], ["tokens", "tags"], {}, ("tokens", "tags")),
        (["id", "utterance", "y"], ["utterance"], {"label": "y"}, ("utterance", "y")),
        (["a", "b"], ["a", "b"], {"input": "b", "label": "a"}, ("b", "a")),
        (["Sentence", "Label"], ["Sentence"], {}, ("Sentence", "Label")),
    ],
)
def test_columns_are_found_by_name_or_because_there_is_only_one(names, textual, args, found):
    assert plan.columns(claimed(args=args), names, textual) == Columns(*found)


@pytest.mark.parametrize(
    ("args", "outcome", "reason"),
    [
        ({}, Outcome.UNVERIFIABLE, "does not say which column is the input: run.args.input"),
        ({"input": "a"}, Outcome.UNVERIFIABLE, "which column is the label: run.args.label"),
        ({"input": "x"}, Outcome.NOT_RUNNABLE, "run.args.input is 'x', and the data has a, b, c"),
    ],
)
def test_columns_are_never_guessed(args, outcome, reason) -> None:
    with pytest.raises(NoAnswer, match=reason) as caught:
        plan.columns(claimed(args=args), ["a", "b", "c"], ["a", "b"])
    assert caught.value.outcome is outcome


def test_a_metric_of_another_version_is_computed_by_the_newest() -> None:
    assert plan.metric_name(claimed("squad_v2"), resolve) == "squad2@1.0"
    assert plan.metric_name(claimed("accuracy@7.0"), resolve) == "accuracy@1.0"
    with pytest.raises(NoAnswer, match="there is no metric 'mystery'"):
        plan.metric_name(claimed("mystery"), resolve)


@pytest.mark.parametrize(
    ("answer", "prediction"),
    [
        ("a", Prediction("a")),
        (3, Prediction(3)),
        ({"label": "a", "score": 0.5}, Prediction("a", 0.5)),
        ([{"label": "b", "score": 0.25}, {"label": "a", "score": 0.75}],
         Prediction("a", 0.75, 0.5)),
        ([{"label": "a"}], Prediction("a")),
        (["O", "B-X"], Prediction(["O", "B-X"])),
        ({"label": "a", "score": float("nan")}, Prediction("a")),
        ({"answer": "Paris", "score": True}, Prediction("Paris")),
    ],
)  # fmt: skip
def test_answers_of_any_shape_become_predictions(answer, prediction) -> None:
    assert read_answer(answer) == prediction


@pytest.mark.parametrize(
    "answer",
    [object(), None, b"x", {"x": 1}, {"label": {}}, [[1]], float("nan"), "\ud800", [None]],
)
def test_nonsense_is_refused(answer) -> None:
    with pytest.raises(InvalidFormat):
        read_answer(answer)


def test_predictions_are_found_by_their_digest(tmp_path) -> None:
    data = predictions.encode(range(2), ["a", ["O", "é"]])
    folder = tmp_path / predictions.FOLDER
    folder.mkdir(parents=True)
    (folder / "other.jsonl").write_bytes(b"{}\n")
    (folder / "mine.jsonl").write_bytes(data)
    digest = predictions.digest(range(2), ["a", ["O", "é"]])
    assert predictions.stored(tmp_path, digest) == {0: "a", 1: ["O", "é"]}
    assert predictions.stored(tmp_path, "0" * 64) is None
    assert predictions.stored(tmp_path, None) is None


def test_noise_counts_decisions_that_it_could_flip() -> None:
    sure, unsure = Prediction("a", 0.9, 0.8), Prediction("a", 0.5, 1e-9)
    moved = Prediction("a", 0.9000001, 0.8)
    assert noise_of(Rerun((sure, unsure), (sure, unsure))).doubtful == 0
    assert noise_of(Rerun((sure, unsure), (moved, unsure))).doubtful == 1
    assert noise_of(Rerun((Prediction("a"),) * 100, (Prediction("b"),) * 2)).doubtful == 100
    assert [other_batch(n) for n in (1, 2, 32)] == [7, 1, 11]
    assert Decimal(noise_of(Rerun((sure,))).deviation) == 0


def test_hidden_labels_and_missing_options_cannot_be_verified() -> None:
    for metric, truth in (("glue-sst2", [-1, -1]), ("seqeval", [["O"], ["O"]])):
        with pytest.raises(NoAnswer) as caught:
            score(claimed(metric), [0, 1], truth)
        assert caught.value.outcome is Outcome.UNVERIFIABLE


def test_numbers_of_labels_become_names_where_the_model_answers_with_names() -> None:
    assert named([0, 1], ["no", "yes"], ["yes", "no"]) == ["no", "yes"]
    assert named([[0], [1]], ["O", "B-X"], [["O"], ["O"]]) == [["O"], ["B-X"]]
    assert named([0, 1], ["no", "yes"], [1, 0]) == [0, 1]
    assert named(["no"], [], ["no"]) == ["no"]
    with pytest.raises(NoAnswer, match="row 1 has label 2, and there are 2"):
        named([0, 2], ["no", "yes"], ["no"])


def test_rows_have_one_digest_whatever_file_they_are_in(tmp_path) -> None:
    for name in ("csv", "jsonl"):
        (tmp_path / name).mkdir()
    (tmp_path / "csv" / "test.csv").write_text("text,label\nhello,1\nbye,0\n")
    (tmp_path / "jsonl" / "test.jsonl").write_text(
        '{"text": "hello", "label": 1}\n{"text": "bye", "label": 0}\n'
    )
    first, second = (read_split(tmp_path / name, "test") for name in ("csv", "jsonl"))
    assert first.columns == {"text": ["hello", "bye"], "label": [1, 0]}
    assert second.content_sha256 == first.content_sha256
    assert (len(first.head(1)), first.head(1).content_sha256) == (1, first.content_sha256)
    with pytest.raises(NotFound, match="no split 'train'"):
        read_split(tmp_path / "csv", "train")
