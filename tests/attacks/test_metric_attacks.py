"""Hostile and careless input of metrics: a clear error or the documented value."""

import json
import math

import pytest

from reprise import load_metric
from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.metrics.declared import parse, read_file

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("name", "predictions", "references", "message"),
    [
        ("accuracy", [1, 0], [1], "There are 2 predictions and 1 references."),
        ("accuracy", [], [], "There are no examples to score."),
        ("accuracy", [1], None, "references are missing."),
        ("accuracy", "101", "111", "predictions must be a list, one entry per example, not '101'."),
        ("accuracy", ["1", "0"], [1, 0], "predictions are texts and references are numbers: they"),
        ("accuracy", [0.7, 1.0], [1, 1], "predictions[0] is 0.7, which looks like a score"),
        ("accuracy", [NAN], [1], "predictions[0] must be a label, not nan."),
        ("accuracy", [None], [1], "predictions[0] must be a label, not None."),
        ("accuracy", [1, "1"], [1, 1], "predictions holds texts and numbers; '1' at 1 is a text."),
        ("accuracy", [[1], [0]], [1, 1], "predictions[0] must be a label, not [1]."),
        ("pearsonr", [1.0, NAN], [1.0, 2.0], "predictions[1] is nan, and 1 in all are not finite."),
        ("pearsonr", [1.0, 2.0], [1.0, INF], "references[1] is inf, and 1 in all are not finite."),
        ("pearsonr", ["1.0"], [1.0], "predictions[0] must be a number, not '1.0'."),
        ("pearsonr", [True, False], [1.0, 2.0], "predictions[0] must be a number, not True."),
        ("roc_auc", [0.1, 0.2], [1, 2], "references[1] is 2; roc_auc is for two classes, 0 and 1."),
        ("roc_auc", [0.1], ["a"], "references must be 0 or 1, not texts."),
        ("wer", [1], ["a"], "prediction 0 must be a text, not 1."),
        ("wer", ["a"], [b"a"], "reference 0 must be a text, not b'a'."),
        ("mrr", [["a"]], [[]], "references[0] names nothing relevant, so no ranking can be right."),
        ("mrr", [["a", "a"]], [["a"]], "predictions[0] hold the id 'a' twice."),
        ("mrr", [{"a": NAN}], [["a"]], "predictions[0]['a'] must be a finite number, not nan."),
        ("mrr", [[["a"]]], [["a"]], "An id must be a text or a number, not ['a']."),
        ("mrr", [["a"]], [[["a"]]], "An id must be a text or a number, not ['a']."),
        ("mrr", [["a"]], [["a", "a"]], "references[0] hold the id 'a' twice."),
        ("ndcg", [["a"]], [{"a": -1}], "references[0] holds the gain -1; gains go from 0 to 1000."),
        ("mrr", {"q": ["a"]}, {"r": ["a"]}, "2 queries are on one side only, such as 'q'."),
        ("blimp", [(-1.0,)], None, "predictions[0] must be a (good, bad) pair, not (-1.0,)."),
        ("blimp", [(-1.0, NAN)], None, "predictions[0][1] is nan, and 1 in all are not finite."),
        ("blimp", [(-1.0, -2.0)], [1], "blimp takes no references"),
        ("glue-rte", [2], [1], "predictions[0] is 2; the labels are 0 entailment, 1 not_entail"),
    ],
)
def test_input_that_does_not_fit_is_named(name, predictions, references, message) -> None:
    with pytest.raises(InvalidInput) as caught:
        dict(load_metric(name).compute(predictions, references))
    assert caught.value.message.startswith(message)


def said(key, text="x", **more) -> dict:
    return {"id": key, "prediction_text": text, **more}


def true(key, *golds) -> dict:
    return {"id": key, "answers": {"text": list(golds)}}


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        ([said("a"), said("b")], [true("a", "x")], "1 predictions are for questions that are not"),
        ([said("a"), said("a")], [true("a", "x")], "predictions hold the id 'a' twice."),
        ([said("a")], [true("a", "x"), true("a", "y")], "references hold the id 'a' twice."),
        ([said("a")], [true("a")], "1 questions have no gold answer: 'a'."),
        ([said("a", None)], [true("a", "x")], "The prediction for 'a' must have a text"),
        ([{"prediction_text": "x"}], [true("a", "x")], "predictions[0] must have 'id'"),
        (["x"], [true("a", "x")], "predictions[0] must have 'id'"),
        ([said("a")], [{"id": "a"}], "references[0] must have 'id' and 'answers'"),
        ([said("a")], [{"id": "a", "answers": [3]}], "The answers of question 'a' must be texts"),
        ([said("a")], {"data": [{"paragraphs": 3}]}, "references are no SQuAD file"),
        ([said("a", no_answer_probability=NAN)], [true("a", "x")], "no_answer_probability of 'a'"),
        ([said(["a"])], [true("a", "x")], "An id must be a text or a number, not ['a']."),
        (None, [true("a", "x")], "predictions are missing."),
    ],
)
def test_answers_that_do_not_fit_their_questions_are_named(
    predictions, references, message
) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_metric("squad").compute(predictions, references)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        ([["B-X"]], [["B-X", "O"]], "Sentence 0 has 1 predicted tags and 2 reference tags."),
        ([["X"]], [["O"]], "predictions[0][0] is 'X', which is no tag of IOB2."),
        ([["E-X"]], [["O"]], "predictions[0][0] is 'E-X', which is no tag of IOB2."),
        ([[3]], [["O"]], "predictions[0][0] must be a tag such as 'B-PER', not 3."),
        (["O"], [["O"]], "predictions[0] must be a list, one entry per example, not 'O'."),
    ],
)
def test_tags_that_do_not_fit_are_named(predictions, references, message) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_metric("seqeval", scheme="IOB2", mode="strict").compute(predictions, references)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ([[0.5]], "predictions[0] holds 0.5: a logarithm of a probability is never positive."),
        ([[-INF]], "predictions[0] must hold finite log-likelihoods, not -inf."),
        ([{"log_likelihood": -1.0}], "predictions[0]['tokens'] must be a count, not None."),
        ([{"log_likelihood": -1.0, "tokens": -3}], "predictions[0]['tokens'] must be a count"),
        ([-1.0], "predictions[0] must be a list, one entry per example, not -1.0."),
    ],
)
def test_log_likelihoods_that_cannot_be_are_named(predictions, message) -> None:
    metric = load_metric("perplexity", level="token", context=8, stride=8, bos=True)
    with pytest.raises(InvalidInput) as caught:
        metric.compute(predictions)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"average": "makro"}, "f1@1.0: average must be 'binary' or 'micro'"),
        ({"averge": "macro"}, "f1@1.0 has no option 'averge'."),
        ({"labels": [1, 1]}, "f1@1.0: labels: a list of different labels is needed"),
        ({"labels": [1, "b"]}, "f1@1.0: labels: labels are all whole numbers or all texts"),
        ({"zero_division": True}, "f1@1.0: zero_division must be 0 or 1, not True."),
        ({"pos_label": None}, "f1@1.0: pos_label: a label is a whole number or a text, not None"),
        ({"replicates": -1}, "replicates must be a whole number from 0 to 100000, not -1."),
        ({"seed": 0.5}, "seed must be a whole number"),
    ],
)
def test_options_that_are_not_allowed_are_named(options, message) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_metric("f1", **options)
    assert caught.value.message.startswith(message)


def test_binary_f1_of_many_or_other_classes_says_what_to_choose() -> None:
    with pytest.raises(InvalidInput, match="average='binary' needs two classes; there are 3"):
        dict(load_metric("f1").compute([0, 1, 2], [0, 1, 2]))
    with pytest.raises(InvalidInput, match="pos_label=1 is none of the classes 'no', 'yes'"):
        dict(load_metric("f1").compute(["no", "yes"], ["no", "no"]))
    with pytest.raises(InvalidInput, match="labels 'a' are of another kind than 0, 1"):
        dict(load_metric("f1", average="macro", labels=["a"]).compute([0, 1], [0, 0]))


def test_a_signature_cannot_be_forged_through_an_option() -> None:
    label = "x|n:1000000|def:00000000"
    result = load_metric("f1", pos_label=label).compute([label, "y"], [label, "y"])
    assert "pos:x%7Cn:1000000%7Cdef:00000000|" in result.signature
    assert result.score.signature.count("|n:") == 1


def test_a_signature_cannot_be_forged_through_the_name_of_a_folder(tmp_path) -> None:
    folder = tmp_path / "x@1.0|n:1000000"
    folder.mkdir()
    (folder / "metric.json").write_text(json.dumps(FILE))
    signature = load_metric(str(folder)).compute([1], [1]).signature
    assert signature.startswith("local/x@1.0%7Cn:1000000@0|n:1|")


def test_huge_values_do_not_overflow_into_nonsense() -> None:
    metric = load_metric("perplexity", level="token", context=8, stride=8, bos=True)
    assert metric.compute([[-1e6]])["perplexity"] is None
    huge = load_metric("pearsonr").compute([1e308, -1e308, 1e-308], [1.0, 2.0, 1.5])
    assert round(huge["pearsonr"], 12) == -1.0
    for large in (10**30, 2**60):
        with pytest.raises(InvalidInput, match=r"beyond 2\*\*53"):
            load_metric("accuracy").compute([large], [large + 1])


FILE = {"schema": 1, "summary": "One.", "metrics": [{"metric": "accuracy@1.0"}]}
CODE = {"schema": 1, "summary": "One.", "statistics": ["a"], "values": {"v": {"mean": "a"}}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], 'expected an object with "schema": 1.'),
        ({**FILE, "schema": 2}, 'expected an object with "schema": 1.'),
        ({**FILE, "run": "rm -rf /"}, "unknown key 'run'; known are"),
        ({**FILE, "summary": 3}, '"summary" must be a text of 1 to 200 characters.'),
        ({**FILE, "metrics": []}, '"metrics" must be a list of 1 to 32 items.'),
        ({**FILE, "metrics": [FILE] * 33}, '"metrics" must be a list of 1 to 32 items.'),
        ({**FILE, "metrics": [{"metric": "accuracy"}]}, '"metrics"[0].metric must name a version'),
        ({**FILE, "unit": "percent"}, '"unit" is for metrics with code'),
        ({**CODE, "statistics": ["a", "a"]}, '"statistics" names one twice.'),
        ({**CODE, "values": {"v": {"sum": "a"}}}, '"values".v must be {"mean": statistic}'),
        ({**CODE, "values": {"v": {"ratio": ["a", "b"]}}}, "\"values\".v uses 'b', which is no"),
        ({**CODE, "unit": "bananas"}, '"unit" is one of fraction, percent, raw'),
        ({**CODE, "score": "w"}, '"unit" is one of fraction, percent, raw'),
        ({**CODE, "mean": ["v"]}, '"mean" is for metrics that compose others.'),
    ],
)
def test_a_metric_file_that_breaks_the_format_is_refused(value, message) -> None:
    with pytest.raises(InvalidFormat) as caught:
        parse(value)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "metric.json cannot be read"),
        (b"\xff\xfe", "metric.json cannot be read"),
        (b"[" * 60_000, "metric.json cannot be read"),
        (b" " * 70_000, "metric.json is larger than 64 kB."),
        (json.dumps({**FILE, "metrics": [{"metric": "acc@1.0"}]}).encode(),
         "metric.json: There is"),
        (json.dumps({**FILE, "metrics": [{"metric": "seqeval@1.0"}]}).encode(),
         "metric.json: entity_f1@1.0 needs scheme and mode"),
    ],
)  # fmt: skip
def test_a_metric_file_that_cannot_be_read_is_refused(tmp_path, content, message) -> None:
    (tmp_path / "metric.json").write_bytes(content)
    with pytest.raises(InvalidFormat) as caught:
        read_file(tmp_path)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "change",
    [{"metrics": [{"metric": "accuracy@1.0"}, {"metric": "accuracy@1.0"}]},
     {"mean": ["nothing"]}, {"score": "nothing"},
     {"metrics": [{"metric": "accuracy@1.0"}, {"metric": "wer@1.0"}]}],
)  # fmt: skip
def test_a_composition_that_means_nothing_is_refused(tmp_path, change) -> None:
    (tmp_path / "metric.json").write_text(json.dumps({**FILE, **change}))
    with pytest.raises(InvalidFormat):
        dict(load_metric(str(tmp_path)).compute([1], [1]))


@pytest.mark.parametrize(
    ("rows", "message"),
    [("[]", "returned 0 rows for 1 examples"), ("[{}]", "returned {} for example 0"),
     ("[{'a': float('nan')}]", "returned {'a': nan}"), ("[{'a': '1'}]", "returned {'a': '1'}"),
     ("[{'a': 1, 'b': 2}]", "returned {'a': 1, 'b': 2}")],
)  # fmt: skip
@pytest.mark.usefixtures("client_home")
def test_foreign_code_that_returns_something_else_is_refused(tmp_path, rows, message) -> None:
    (tmp_path / "metric").mkdir()
    (tmp_path / "metric" / "metric.json").write_text(json.dumps(CODE))
    code = f"def score(predictions, references):\n    return {rows}\n"
    (tmp_path / "metric" / "hubconf.py").write_text(code)
    with pytest.raises(InvalidInput, match="The metric's code") as caught:
        load_metric(str(tmp_path / "metric")).compute(["x"], ["x"])
    assert message in caught.value.message
