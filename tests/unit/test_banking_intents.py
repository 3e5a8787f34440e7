"""The example model: what its card claims is what it does, and training repeats to the byte."""

import csv
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from reprise.base.ids import RepoType
from reprise.formats import card

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = EXAMPLES / "banking-intents"
DATA = EXAMPLES / "banking77"
OWN_MODULES = ("hubconf", "banking_intents")


@pytest.fixture(scope="module")
def hubconf() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(MODEL)
        patch.setattr(sys, "dont_write_bytecode", True)
        import hubconf

        yield hubconf
    for name in [name for name in sys.modules if name.split(".")[0] in OWN_MODULES]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def model(hubconf):
    return hubconf.intent_classifier()


def read_csv(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def claim() -> dict:
    data = card.parse((MODEL / "README.md").read_text(encoding="utf-8")).data
    return data["model-index"][0]["results"][0]


def train(out: Path, **env: str) -> dict[str, str]:
    command = [sys.executable, "-B", "train.py", "--rows", "500", "--epochs", "3", "--out", out]
    subprocess.run(command, cwd=MODEL, env=os.environ | env, check=True, capture_output=True)
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in out.iterdir()}


def test_accuracy_on_the_whole_test_split_is_what_the_card_claims(model):
    rows = read_csv("test.csv")
    answers = model([row["text"] for row in rows])
    right = sum(
        best[0]["label"] == row["category"] for best, row in zip(answers, rows, strict=True)
    )
    assert len(rows) == 3080
    assert round(right / len(rows), 4) == claim()["metrics"][0]["value"]


def test_the_claim_names_the_data_by_content():
    args = claim()["dataset"]["args"]
    assert hashlib.sha256((DATA / args["file"]).read_bytes()).hexdigest() == args["sha256"]


@pytest.mark.parametrize(
    ("folder", "repo_type"), [(MODEL, RepoType.MODEL), (DATA, RepoType.DATASET)]
)
def test_cards_have_no_problem(folder, repo_type):
    assert card.check((folder / "README.md").read_text(encoding="utf-8"), repo_type) == []


def test_training_again_gives_the_same_bytes_whatever_the_threads_hashes_and_processor(tmp_path):
    first = train(tmp_path / "a", PYTHONHASHSEED="1", OPENBLAS_NUM_THREADS="1")
    # Without its vector instructions this processor computes like one of fifteen years ago.
    second = train(tmp_path / "b", PYTHONHASHSEED="2", NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4")
    assert first["model.safetensors"] == second["model.safetensors"]
    assert first["vocabulary.json"] == second["vocabulary.json"]


def test_labels_are_the_intents_of_the_data(hubconf):
    assert hubconf.labels() == sorted({row["category"] for row in read_csv("train.csv")})


def test_one_question_gives_a_list_and_several_give_a_list_of_lists(model):
    question = "Why was I charged twice for the same coffee?"
    best = model(question, top_k=3)
    assert [sorted(answer) for answer in best] == [["label", "score"]] * 3
    assert best[0]["label"] == "transaction_charged_twice"
    assert best[0]["score"] > best[1]["score"] > best[2]["score"]
    assert model([question, question], top_k=3) == [best, best]
    assert model([]) == []


def test_all_scores_together_are_a_probability_distribution(model):
    answers = model("How do I locate my card?", top_k=1000)
    assert len(answers) == 77
    assert sum(answer["score"] for answer in answers) == pytest.approx(1)


def test_an_explanation_adds_up_to_the_score(model):
    question = "How do I locate my card?"
    label = model(question)[0]["label"]
    index = model.labels.index(label)
    added = sum(value for _, value in model.explain(question, top_k=10_000))
    assert added + model.bias[index] == pytest.approx(model.margins(question)[index], abs=1e-5)


@pytest.mark.parametrize(
    "text", ["🤔", "\ud800", "\x00", "x" * 20_000, "?" * 20_000, "カードはどこ", "\ufdfa" * 1000]
)
def test_strange_text_gets_an_answer(model, text):
    (best,) = model(text)
    assert best["label"] in model.labels
    assert 0 < best["score"] <= 1


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "The question is empty; there is nothing to classify."),
        (" \n\u3000", ValueError, "The question is empty; there is nothing to classify."),
        ("x" * 20_001, ValueError, "20,001 characters, the limit is 20,000"),
        (None, TypeError, "Give a str or a list of str, not NoneType."),
        (b"card", TypeError, "Give a str or a list of str, not bytes."),
        (["card", 7], TypeError, "A question must be a str, not int."),
    ],
)
def test_what_cannot_be_classified_is_refused_with_the_reason(model, text, error, message):
    with pytest.raises(error, match=message):
        model(text)


@pytest.mark.parametrize(("top_k", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_top_k_that_is_no_count_is_refused(hubconf, top_k, error):
    with pytest.raises(error, match="top_k must be"):
        hubconf.intent_classifier(top_k=top_k)
