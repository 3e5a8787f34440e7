"""Same text, same name, different number: every trap we know of, and what we say in each."""

import json

import pytest

from reprise import load_metric
from reprise.base.errors import InvalidInput
from reprise.metrics import comparable
from tests.metric_data import conll_sample, minimal_pairs, questions


def answer(text: str, **more) -> list[dict]:
    return [{"id": "q", "prediction_text": text, **more}]


def question(*golds: str) -> list[dict]:
    return [{"id": "q", "answers": {"text": list(golds)}}]


def test_conlleval_and_strict_scoring_of_one_file() -> None:
    said, true = conll_sample()
    forgiving = load_metric("entity_f1", scheme="IOB2", mode="conlleval").compute(said, true)
    strict = load_metric("entity_f1", scheme="IOB2", mode="strict").compute(said, true)
    assert (round(100 * forgiving["overall_f1"], 2), round(100 * strict["overall_f1"], 2)) == (
        74.35, 70.46,
    )  # fmt: skip
    assert not comparable(forgiving.score.signature, strict.score.signature)


@pytest.mark.parametrize(("mode", "f1"), [("conlleval", 1.0), ("strict", 0.0)])
def test_a_sequence_that_starts_with_i(mode, f1) -> None:
    metric = load_metric("entity_f1", scheme="IOB2", mode=mode)
    assert metric.compute([["I-X", "I-X"]], [["B-X", "I-X"]])["overall_f1"] == f1


def test_scheme_and_mode_have_no_default() -> None:
    with pytest.raises(InvalidInput) as caught:
        load_metric("seqeval").compute([["B-X"]], [["B-X"]])
    assert caught.value.message == (
        "entity_f1@1.0 needs scheme and mode: its value depends on what is chosen."
    )
    assert "mode='conlleval' or 'strict'" in caught.value.hint


def test_exact_match_is_not_equality_of_texts() -> None:
    said, true = questions("squad1-xquad-en")
    pairs = zip(said, true, strict=True)
    equal = sum(s["prediction_text"] in t["answers"]["text"] for s, t in pairs)
    official = load_metric("squad").compute(said, true)["exact_match"]
    assert (round(100 * equal / len(true), 2), round(official, 2)) == (57.31, 61.09)


@pytest.mark.parametrize(("name", "f1"), [("squad", 0.0), ("squad_v2", 100.0)])
def test_two_answers_without_tokens_share_nothing_in_1_1_and_are_equal_in_2_0(name, f1) -> None:
    result = load_metric(name).compute(answer("the"), question("the"))
    assert (result["f1"], result.get("exact", result.get("exact_match"))) == (f1, 100.0)


def test_articles_go_after_punctuation_and_only_as_words() -> None:
    metric = load_metric("squad")
    assert metric.compute(answer("a.n apple"), question("apple"))["exact_match"] == 100.0
    assert metric.compute(answer("theatre"), question("atre"))["exact_match"] == 0.0
    assert metric.compute(answer("«Paris»"), question("Paris"))["exact_match"] == 0.0  # ASCII only


def test_a_question_without_a_prediction_counts_as_wrong() -> None:
    true = [*question("Paris"), {"id": "other", "answers": {"text": []}}]
    result = load_metric("squad_v2").compute(answer("Paris"), true)
    assert (result["exact"], result["NoAns_exact"], result["total"]) == (50.0, 0.0, 2)
    assert "missing:0" in result.signature


def test_golds_that_normalise_to_nothing_mean_no_answer() -> None:
    result = load_metric("squad_v2").compute(answer(""), question("the", "..."))
    assert (result["f1"], result["NoAns_total"]) == (100.0, 1)


def test_the_threshold_is_1_unless_said_and_is_strict() -> None:
    said, true = answer("Paris", no_answer_probability=1.0), question()
    assert load_metric("squad_v2").compute(said, true)["exact"] == 0.0
    assert load_metric("squad_v2").compute(said, true, no_answer_threshold=0.99)["exact"] == 100.0


def test_a_threshold_chosen_on_the_labels_is_another_metric() -> None:
    said, true = questions("squad2-normans-rhine")
    plain = load_metric("squad_v2").compute(said, true)
    best = load_metric("squad2-best").compute(said, true)
    assert "best_f1" not in plain
    assert not comparable(plain.score.signature, best.score.signature)


def test_a_class_that_no_example_has_counts_in_cb() -> None:
    said, true = [0, 1, 1, 0], [0, 1, 0, 0]
    fixed = load_metric("super_glue", "cb").compute(said, true)
    seen = load_metric("f1", average="macro").compute(said, true)
    assert (round(fixed["f1"], 3), round(seen["f1"], 3)) == (0.489, 0.733)
    three = load_metric("f1", average="macro", labels=[0, 1, 2]).compute(said, true)
    assert three["f1"] == fixed["f1"]
    assert not comparable(seen.score.signature, three.score.signature)


def test_an_average_over_the_classes_that_occur_says_how_many() -> None:
    metric = load_metric("f1", average="macro")
    two, three = metric.compute([0, 1, 1], [0, 1, 0]), metric.compute([0, 1, 2], [0, 1, 0])
    assert comparable(two.signature, three.signature).differences == ("classes: 2 or 3",)


def test_the_mean_over_subjects_is_not_the_mean_over_examples() -> None:
    true = [{"group": group, "label": 1} for group in ("law", "law", "law", "art")]
    metric = load_metric("grouped_accuracy")
    micro = metric.compute([1, 0, 0, 1], true, average="micro")
    macro = metric.compute([1, 0, 0, 1], true, average="macro")
    assert (micro["accuracy"], macro["accuracy"]) == (0.5, 2 / 3)
    assert macro["groups"] == {"art": 1.0, "law": 1 / 3}
    assert not comparable(micro.signature, macro.signature)


def multirc(*rows: tuple[int, int, int]) -> list[dict]:
    return [{"idx": {"paragraph": 0, "question": q, "answer": a}, "prediction": p}
            for q, a, p in rows]  # fmt: skip


def test_multirc_f1_is_over_options_and_exact_match_over_questions() -> None:
    said = multirc((0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 1), (1, 2, 0))
    result = load_metric("super_glue", "multirc").compute(said, [1, 0, 1, 0, 1])
    assert result == {"exact_match": 0.5, "f1_a": 2 / 3}
    assert result.n == 5
    with pytest.raises(KeyError, match="this result has exact_match, f1_a"):
        result["f1_m"]


def test_gender_parity_is_about_pairs_wherever_they_lie() -> None:
    metric = load_metric("super_glue", "axg")
    rows = [{"idx": i, "prediction": p} for i, p in [(2, 0), (0, 1), (3, 1), (1, 1)]]
    result = metric.compute(rows, [0, 1, 0, 0])
    assert result == {"accuracy": 0.5, "gender_parity": 0.5}
    with pytest.raises(InvalidInput, match="Pair 1 has 1 sentences"):
        metric.compute([0, 1, 1], [0, 1, 1])["accuracy"]


def test_constant_predictions_are_0_or_undefined_and_never_nan() -> None:
    assert load_metric("glue", "cola").compute([1, 1], [0, 1]) == {"matthews_correlation": 0.0}
    result = load_metric("glue", "stsb").compute([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    assert json.dumps(result, allow_nan=False) == '{"pearson": null, "spearmanr": null}'
    assert (result.score.value, result.score.ci) == (None, None)
    assert "pearson is undefined" in result.notes[-2]


def test_similarities_keep_float64() -> None:
    import numpy as np

    said = [0.90529050, 0.90529052, 0.90529054]
    assert len(set(np.float32(said).tolist())) < 3  # what a cast would do
    assert load_metric("spearmanr").compute(said, [1, 2, 3])["spearmanr"] == pytest.approx(1.0)


def test_glue_labels_have_one_order_and_names() -> None:
    metric = load_metric("glue", "mnli")
    assert metric.compute(["entailment", "contradiction"], [0, 2])["accuracy"] == 1.0
    assert "labels:entailment,neutral,contradiction" in metric.compute([0], [0]).signature
    with pytest.raises(InvalidInput, match="the labels are entailment, neutral, contradiction"):
        metric.compute(["CONTRADICTION"], [2])


def test_hidden_labels_cannot_be_scored() -> None:
    with pytest.raises(
        InvalidInput, match=r"references\[0\] is -1: the labels of this set are hid"
    ):
        load_metric("glue", "sst2").compute([0, 1], [-1, -1])


def test_the_same_ranking_has_one_number_whatever_the_order_of_ties() -> None:
    metric = load_metric("mrr")
    one = metric.compute([{"a": 0.5, "b": 0.5}], [["b"]])
    assert metric.compute([{"b": 0.5, "a": 0.5}], [["b"]]) == one == {"mrr": 0.5}


def test_gain_and_cut_of_ndcg_stand_in_the_signature() -> None:
    said, true = [["a", "b"]], [{"a": 1, "b": 3}]
    linear = load_metric("ndcg").compute(said, true)
    exponential = load_metric("ndcg", gain="exponential").compute(said, true)
    assert (round(linear["ndcg"], 4), round(exponential["ndcg"], 4)) == (0.7967, 0.7098)
    assert comparable(linear.signature, exponential.signature).differences == (
        "gain: linear or exponential",
    )


def test_perplexity_per_word_is_not_perplexity_per_token() -> None:
    choices = {"context": 1024, "stride": 512, "bos": True}
    metric = load_metric("perplexity", **choices)
    said = [[-1.0, -2.0, -3.0]]
    token = metric.compute(said, level="token")
    word = metric.compute(said, ["two words"], level="word")
    assert (round(token["perplexity"], 4), round(word["perplexity"], 4)) == (7.3891, 20.0855)
    assert not comparable(token.signature, word.signature)
    with pytest.raises(InvalidInput, match="needs level and stride"):
        load_metric("perplexity", context=8, bos=False).compute(said)


def test_a_tie_of_a_minimal_pair_is_wrong() -> None:
    assert load_metric("blimp").compute([(-1.0, -1.0), (-1.0, -2.0)]) == {"accuracy": 0.5}


def test_units_are_said_with_every_score() -> None:
    fraction = load_metric("accuracy").compute([1], [1]).score
    percent = load_metric("squad").compute(answer("x"), question("x")).score
    assert (fraction.unit, fraction.value, percent.unit, percent.value) == (
        "fraction", 1.0, "percent", 100.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tokenize", "score"), [("13a", 44.32), ("intl", 55.46), ("none", 58.34), ("char", 74.37)]
)
def test_four_tokenisers_give_four_numbers_for_a_thousand_sentences(tokenize, score) -> None:
    pytest.importorskip("sacrebleu")
    result = load_metric("bleu", tokenize=tokenize, replicates=0).compute(*minimal_pairs())
    assert (round(result["score"], 2), result.n) == (score, 1000)


HYPOTHESIS = ["The mat's end: a cat sat on it, 3.5 m away."]
REFERENCE = [["The mat's end: a cat sat on it (3.5m away)."]]


def test_the_tokeniser_changes_bleu_and_the_signature_says_so() -> None:
    pytest.importorskip("sacrebleu")
    results = [load_metric("sacrebleu", tokenize=t).compute(HYPOTHESIS, REFERENCE)
               for t in ("13a", "intl", "none", "char")]  # fmt: skip
    assert len({round(result["score"], 2) for result in results}) == 4
    assert comparable(results[0].signature, results[1].signature).differences == (
        "up.tok: 13a or intl",
    )


def test_lines_change_rouge_lsum_and_the_signature_says_so() -> None:
    pytest.importorskip("rouge_score")
    said, true = ["One is first. Two is second."], ["Two is second. One is first."]
    joined = load_metric("rouge").compute(said, true)
    split = load_metric("rouge", split="punctuation").compute(said, true)
    assert (joined["rougeLsum"], split["rougeLsum"], joined["rougeL"], split["rougeL"]) == (
        0.5, 1.0, 0.5, 0.5,
    )  # fmt: skip
    assert comparable(joined.signature, split.signature).differences == (
        "split: newline or punctuation",
    )


def test_the_stemmer_is_off_unless_said() -> None:
    pytest.importorskip("rouge_score")
    said, true = ["the cats walked"], ["the cat walks"]
    assert load_metric("rouge").compute(said, true)["rouge1"] == pytest.approx(1 / 3)
    stemmed = load_metric("rouge", use_stemmer=True).compute(said, true)
    assert (stemmed["rouge1"], "stem:yes" in stemmed.signature) == (1.0, True)
