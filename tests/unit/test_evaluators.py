"""Evaluators on their own: how rows become examples, how answers become predictions."""

import json
from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import InvalidInput, NotFound
from reprise.cli.main import run
from reprise.verify.evaluators import catalogue
from reprise.verify.evaluators.evaluator import Examples
from reprise.verify.rows import Rows
from tests.evaluations import CASES, DATA


def rows(names: dict[str, tuple[str, ...]] | None = None, **columns: list[Any]) -> Rows:
    return Rows(columns, "0" * 64, names or {})


def examples(name: str, data: Rows, **given: Any) -> Examples:
    evaluator = catalogue.find(name)
    return evaluator.read(data, evaluator.resolve(given))


def test_every_evaluator_has_a_metric_and_arguments_with_defaults() -> None:
    found = {it.name: (it.entry, it.metric) for it in catalogue.all_of_them()}
    assert found == {
        "text-classification": ("text-classification@1", "accuracy"),
        "tagging": ("tagging@1", "entity_f1"),
        "question-answering": ("question-answering@1", "squad1"),
        "similarity": ("similarity@1", "spearmanr"),
        "language-modelling": ("language-modelling@1", "perplexity"),
        "minimal-pairs": ("minimal-pairs@1", "blimp"),
        "retrieval": ("retrieval@1", "ndcg"),
        "generation": ("generation@1", "exact_match"),
    }
    assert all(it.resolve({})["engine"] == "auto" for it in catalogue.all_of_them())


@pytest.mark.parametrize(
    ("entry", "message"),
    [("tagging@2", "There is no tagging@2; this version of Reprise has tagging@1"),
     ("taging", "There is no evaluator 'taging'"), ("../tagging", "There is no evaluator"),
     ("tagging@1; import os", "There is no evaluator")],
)  # fmt: skip
def test_an_evaluator_that_does_not_exist_is_refused(entry: str, message: str) -> None:
    with pytest.raises(NotFound, match=message):
        catalogue.find(entry)


@pytest.mark.parametrize(
    ("given", "message"),
    [({"inptu": "x"}, "takes no 'inptu'"), ({"label": 3}, "label must be of type str"),
     ({"truncation": 1}, "truncation must be of type bool"),
     ({"engine": "tvm"}, "engine is 'tvm'; use one of auto, onnx, torch"),
     ({"threads": 0}, "threads is 0; it must be at least 1"),
     ({"threads": True}, "threads must be of type int")],
)  # fmt: skip
def test_arguments_that_mean_nothing_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        catalogue.find("text-classification").resolve(given)


def test_classification_reads_texts_pairs_and_names_of_labels() -> None:
    named = rows({"label": ("no", "yes")}, premise=["a", "b"], hypothesis=["c", "d"], label=[1, 0])
    found = examples("text-classification", named, input=["premise", "hypothesis"])
    assert found.inputs == [{"text": "a", "text_pair": "c"}, {"text": "b", "text_pair": "d"}]
    assert (found.references, found.more) == (["yes", "no"], {"known": ["no", "yes"]})
    assert found.columns == {"input": ["premise", "hypothesis"], "label": "label"}
    single = examples("text-classification", rows(text=["a"], category=["x"]))
    assert (single.inputs, single.references) == (["a"], ["x"])


@pytest.mark.parametrize(
    ("data", "given", "message"),
    [
        (rows(a=["x"], label=[1]), {}, "Say which column it is: input; the data has a, label"),
        (rows(text=["x"], label=[1]), {"input": "body"}, "input is 'body', and the data has"),
        (rows(text=["x", None], label=[1, 1]), {}, r"text\[1\] must be a text, not 'None'"),
        (rows(text=["x"], label=[-1]), {}, r"label\[0\] is -1: the labels of this split are hid"),
        (rows({"label": ("a",)}, text=["x"], label=[4]), {}, "is 4, and there are 1 labels"),
        (rows(text=["x"], label=[0.5]), {}, r"label\[0\] must be a label, not '0.5'"),
        (rows(text=["x"], label=[1]), {"input": []}, "input must name one column of texts, or two"),
    ],
)
def test_rows_that_do_not_fit_are_named(data: Rows, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        examples("text-classification", data, **given)


def test_tags_are_words_of_sentences_and_conllu_ranges_are_left_out() -> None:
    data = rows(id=[["1-2", "1", "2", "2.1"]], form=[["don't", "do", "n't", "x"]],
                upos=[["_", "AUX", "PART", "VERB"]])  # fmt: skip
    found = examples("tagging", data)
    assert (found.inputs, found.references) == ([["do", "n't"]], [["AUX", "PART"]])
    evaluator = catalogue.find("tagging")
    args = evaluator.resolve({"count": "words"})
    assert evaluator.score([["AUX", "X"]], found, args) == (["AUX", "X"], ["AUX", "PART"])
    with pytest.raises(InvalidInput, match="Row 0 needs 2 labels, one per word"):
        evaluator.score([["AUX"]], found, args)
    with pytest.raises(InvalidInput, match="Row 0 has 2 words in tokens and 1 labels in tags"):
        examples("tagging", rows(tokens=[["a", "b"]], tags=[["O"]]))


def test_answers_are_joined_by_id_and_read_in_all_shapes() -> None:
    data = rows(id=["q1", "q2", "q3"], question=["a", "b", "c"], context=["x"] * 3,
                answers=[{"text": ["one"], "answer_start": [0]}, ["two"], "three"])  # fmt: skip
    found = examples("question-answering", data)
    assert [item["answers"] for item in found.references] == [["one"], ["two"], ["three"]]
    said, right = catalogue.find("question-answering").score(["1", "2", "3"], found, {})
    assert said[1] == {"id": "q2", "prediction_text": "2"}
    assert right is found.references


def test_perplexity_takes_its_options_from_the_protocol() -> None:
    evaluator = catalogue.find("language-modelling")
    args = evaluator.resolve({"context": 64, "stride": 32, "level": "word"})
    assert evaluator.metric_args(args) == {
        "level": "word", "context": 64, "stride": 32, "bos": False,
    }  # fmt: skip
    found = evaluator.read(rows(text=["a b", "  ", "c"]), args)
    assert found.inputs == ["a b", "c"]
    said, right = evaluator.score([[-3.0, 2], [-1.0, 1]], found, args)
    assert (said[0], right) == ({"log_likelihood": -3.0, "tokens": 2}, ["a b", "c"])
    with pytest.raises(InvalidInput, match="Answer 0 must be a log-likelihood and a number"):
        evaluator.score(["nonsense"], found, args)


def test_documents_are_those_of_the_row_or_of_the_split() -> None:
    shared = examples("retrieval", rows(question=["a", "b", "c"], context=["x", "y", "x"]))
    assert (shared.references, shared.more) == ([[0], [1], [0]], {"corpus": ["x", "y"]})
    data = rows(query=["a", "b"], documents=[["x", "y"], ["z", "w"]], relevant=[[0, 1], [0]])
    own = examples("retrieval", data)
    assert (own.inputs[1], own.references) == ({"query": "b", "documents": ["z", "w"]}, [[1], [0]])
    with pytest.raises(InvalidInput, match="Row 0 has 2 documents, and names"):
        examples("retrieval", rows(query=["a"], documents=[["x", "y"]], relevant=[[7]]))


def test_a_prompt_is_filled_and_never_evaluated() -> None:
    data = rows(question=["{label}", "two"], label=["a", "b"])
    found = examples("generation", data, prompt="Q: {question}\nA:")
    assert found.inputs == ["Q: {label}\nA:", "Q: two\nA:"]
    for prompt in ("{question.__class__}", "{nobody}", "{0}"):
        with pytest.raises(InvalidInput, match="prompt is"):
            examples("generation", data, prompt=prompt)
    with pytest.raises(InvalidInput, match="prompt names no column"):
        examples("generation", data, prompt="say something")
    with pytest.raises(InvalidInput, match="prompt names 1000 columns; it may name 32"):
        examples("generation", data, prompt="{question}" * 1000)


@pytest.fixture
def folders(tmp_path: Path, client_home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A classifier and rows with a benchmark, on this machine only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert client_home
    return str(CASES[0].save(tmp_path / "net")), str(CASES[0].save_rows(tmp_path / "rows"))


def test_the_command_evaluates_files_of_this_machine(folders, tmp_path, capsys) -> None:
    model, data = folders
    assert run(["eval", model, data, "--json", "--keep", str(tmp_path / "kept")]) == 0
    found = json.loads(capsys.readouterr().out)
    score = found["score"]
    assert (score["n"], score["unit"], found["evaluator"]) == (
        40, "fraction", "text-classification@1",
    )  # fmt: skip
    assert score["ci"][0] <= score["value"] <= score["ci"][1]
    lines = (tmp_path / "kept" / "predictions.jsonl").read_text().splitlines()
    said = [json.loads(line)["prediction"] for line in lines]
    right = [row["category"] for row in CASES[0].rows]
    assert score["value"] == sum(map(str.__eq__, said, right)) / 40
    examples_kept = (tmp_path / "kept" / "examples.jsonl").read_text().splitlines()
    assert len(examples_kept) == 41
    assert run(["eval", model, data, "--limit", "7", "-p", "truncation=false", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["score"]["n"] == 7
    assert (
        run(["eval", model, data, "--metric", "f1", "-o", "average=macro", "--threads", "2"]) == 0
    )
    assert capsys.readouterr().out.startswith("f1\t")


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["nobody"], 1, "There is no benchmark 'nobody'"),
        (["blimp"], 1, "The benchmark blimp has no rows of its own"),
        (["tagging", "--data", "{data}"], 1, "Say which column it is: input"),
        (["{data}", "-p", "inptu=text"], 1, "text-classification takes no 'inptu'"),
        (["{data}", "--value", "f2"], 1, "accuracy@1.0 has no value 'f2'; it has accuracy"),
        (["{data}", "--split", "dev"], 1, "There is no split 'dev'"),
        (["{data}#other"], 1, "has no benchmark 'other'"),
        (["{data}", "--claim", "x"], 1, "the model is a file or folder of this machine"),
        (["{data}", "--into", "."], 2, "--into is about a claim; it needs --claim"),
        (["{data}", "--worker-python", "3.9"], 2, "it needs --claim"),
        (["missing.toml"], 1, "There is no file missing.toml"),
        (["squad2", "--data", "{data}/test.jsonl"], 1, "is not SQuAD's JSON"),
        (["wikitext-2", "--data", "{wiki}"], 1, "has an encoder|not trained for|no head|BERT"),
    ],
)
def test_what_cannot_be_evaluated_is_said(folders, argv, code, message, capsys) -> None:
    import re

    model, data = folders
    given = [part.format(data=data, wiki=DATA / "wikitext-2.txt") for part in argv]
    assert run(["eval", model, *given]) == code
    assert re.search(message, capsys.readouterr().err)
