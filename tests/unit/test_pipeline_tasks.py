"""Tasks that transformers no longer has, tasks of other libraries, and which task a repo is for."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput, NotSupported, OfflineMiss
from reprise.tasks import Pipeline, pipeline
from tests.pipeline_models import save, texts

CONTEXT = " ".join(texts(9))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return pipeline(model=save(tmp_path_factory.mktemp("qa"), "BertForQuestionAnswering"))


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = save(
        tmp_path_factory.mktemp("rank"), "BertForSequenceClassification", id2label={0: "LABEL_0"}
    )
    return pipeline("text-ranking", folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("plain"), "BertModel")


def likeliest(pipe: Pipeline, question: str, context: str, longest: int) -> tuple[float, str]:
    """The best span of a context that fits one window, found by trying all of them."""
    given = pipe.tokenizer(question, context, return_tensors="np", return_offsets_mapping=True)
    offsets = given.pop("offset_mapping")[0]
    output = pipe.model(**given)
    inside = [at for at, which in enumerate(given.sequence_ids(0)) if which == 1]
    kept = [0, *inside]
    scores = []
    for logits in (output.start_logits[0], output.end_logits[0]):
        shares = np.exp(logits[kept] - logits[kept].max())
        scores.append(dict(zip(kept, shares / shares.sum(), strict=True)))
    spans = ((a, b) for a, b in itertools.product(inside, inside) if a <= b < a + longest)
    first, last = max(spans, key=lambda span: scores[0][span[0]] * scores[1][span[1]])
    start, end = offsets[first][0], offsets[last][1]
    return float(scores[0][first] * scores[1][last]), context[start:end]


def test_the_answer_is_the_likeliest_span(answers: Pipeline) -> None:
    context = "My card was lost in the post on Monday"
    score, text = likeliest(answers, "Where is it?", context, 5)
    found = answers(question="Where is it?", context=context, max_answer_len=5,
                    align_to_words=False)  # fmt: skip
    assert found["answer"] == text == context[found["start"] : found["end"]]
    assert found["score"] == pytest.approx(score, abs=1e-6)


def test_answers_begin_and_end_with_words(answers: Pipeline) -> None:
    found = answers({"question": "Why?", "context": CONTEXT}, top_k=5)
    for each in found:
        before, after = CONTEXT[: each["start"]], CONTEXT[each["end"] :]
        assert not (before[-1:].isalnum() and each["answer"][:1].isalnum())
        assert not (after[:1].isalnum() and each["answer"][-1:].isalnum())


def test_long_contexts_are_read_in_windows(answers: Pipeline) -> None:
    asked = answers.read({"question": "Why?", "context": CONTEXT}, answers.options)
    rows = answers.rows([asked], answers.options)[0]
    assert len(rows) > 3
    assert max(row.cost for row in rows) == 64
    found = answers({"question": "Why?", "context": CONTEXT})
    assert CONTEXT[found["start"] : found["end"]] == found["answer"]


def test_several_answers_are_several(answers: Pipeline) -> None:
    found = answers("Why?", CONTEXT, top_k=3)  # spans that become one answer leave room for others
    assert len({each["answer"].lower() for each in found}) == len(found) == 3


def test_a_long_question_leaves_shorter_windows(answers: Pipeline) -> None:
    long = "Why is it lost? " * 10
    alone = answers(question=long, context=CONTEXT)
    assert answers([{"question": "Why?", "context": CONTEXT}] * 2 + [
        {"question": long, "context": CONTEXT}])[2] == pytest.approx(alone)  # fmt: skip
    cut = answers(question=long, context=CONTEXT, max_question_len=5)
    assert cut == answers(question="Why is it lost?", context=CONTEXT)


def test_no_answer_can_be_the_answer(answers: Pipeline) -> None:
    found = answers(question="Why?", context="A lost card", top_k=500,
                    handle_impossible_answer=True)  # fmt: skip
    nothing = [each for each in found if each["answer"] == ""]
    assert [(each["start"], each["end"]) for each in nothing] == [(0, 0)]
    assert found == sorted(found, key=lambda each: -each["score"])


def test_questions_share_a_context_or_have_their_own(answers: Pipeline) -> None:
    both = answers(question=["Who?", "Why?"], context="A lost card")
    assert both == [answers(question=q, context="A lost card") for q in ("Who?", "Why?")]


def test_texts_are_ranked_by_the_number_of_each_pair(ranking: Pipeline) -> None:
    found = ranking("Where is it?", texts(6))
    logits = [
        ranking.model(**ranking.tokenizer("Where is it?", text, return_tensors="np")).logits.item()
        for text in texts(6)
    ]
    assert [each["index"] for each in found] == sorted(range(6), key=lambda at: -logits[at])
    best = found[0]
    assert best["text"] == texts(6)[best["index"]]
    assert best["score"] == pytest.approx(1 / (1 + np.exp(-max(logits))), abs=1e-6)
    assert ranking("Where is it?", texts(6), top_k=2) == found[:2]


def test_sentences_are_compared_by_cosine(plain: Path) -> None:
    pipe = pipeline("sentence-similarity", plain)
    vectors = pipe.encode(["a card", "a lost card"])  # type: ignore[attr-defined]
    assert vectors.shape == (2, 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-6)
    found = pipe("a card", ["a lost card", "a card"])
    assert found == pytest.approx([float(vectors[0] @ vectors[1]), 1.0], abs=2e-6)
    assert pipe([{"source_sentence": "a card", "sentences": ["a lost card", "a card"]}]) == [
        pytest.approx(found, abs=2e-6)
    ]
    assert pipe.encode([]).shape == (0, 32)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("head", "task"),
    [
        ("BertModel", "feature-extraction"),
        ("BertForSequenceClassification", "text-classification"),
        ("BertForTokenClassification", "token-classification"),
        ("BertForQuestionAnswering", "question-answering"),
        ("BertForMaskedLM", "fill-mask"),
    ],
)
def test_the_task_follows_from_the_architecture(tmp_path: Path, head: str, task: str) -> None:
    assert pipeline(model=save(tmp_path, head)).task == task


def test_a_card_says_more_than_the_architecture(tmp_path: Path) -> None:
    folder = save(tmp_path, "BertForSequenceClassification", id2label={0: "LABEL_0"})
    (folder / "README.md").write_text("---\npipeline_tag: text-ranking\n---\n")
    assert pipeline(model=folder).task == "text-ranking"


def test_a_card_cannot_name_a_task_that_the_model_has_no_head_for(tmp_path: Path) -> None:
    folder = save(tmp_path, "BertForMaskedLM")
    (folder / "README.md").write_text("---\npipeline_tag: image-classification\n---\n")
    assert pipeline(model=folder).task == "fill-mask"


def test_files_of_sentence_transformers_say_how_states_are_pooled(plain: Path) -> None:
    (plain / "1_Pooling").mkdir(exist_ok=True)
    modules = [{"type": "sentence_transformers.models.Transformer", "path": ""},
               {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]  # fmt: skip
    (plain / "modules.json").write_text(json.dumps(modules))
    for mode, pool in (("cls_token", lambda s: s[0]), ("max_tokens", lambda s: s.max(0))):
        (plain / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))
        pipe = pipeline(model=plain)
        states = np.array(pipeline("feature-extraction", plain)("a card")[0])
        assert pipe.task == "sentence-similarity"
        np.testing.assert_allclose(pipe.encode("a card"), pool(states), atol=1e-6)  # type: ignore[attr-defined]
    (plain / "modules.json").unlink()


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        ("nonsense", InvalidInput, "There is no task 'nonsense'"),
        ("text-to-3d", NotSupported, "cannot be run yet"),
        ("fill-mask", InvalidInput, "was not trained for fill-mask|weights have no"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(
    plain: Path, task: str, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        pipeline(task, plain)


def test_a_task_without_a_model_lists_what_the_cache_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    save(tmp_path / "models--ada--masks" / "snapshots" / ("a" * 40), "BertForMaskedLM")
    with pytest.raises(OfflineMiss, match="In the cache and made for it: ada/masks"):
        pipeline("fill-mask", offline=True)
    with pytest.raises(OfflineMiss, match="reprise search --task token-classification"):
        pipeline("ner", offline=True)
    with pytest.raises(InvalidInput, match="Name a task, a model or both"):
        pipeline()
