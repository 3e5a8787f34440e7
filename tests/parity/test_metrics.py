"""Our metrics against the libraries that others use, on real and on drawn input.

Tolerances are absolute and stated per test; 1e-12 is rounding in the order of additions.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise import load_metric
from tests.metric_data import conll_sample, questions

ROUNDING = 1e-12
CLASSES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)
NUMBERS = st.lists(
    st.tuples(st.floats(-1e6, 1e6), st.integers(-5, 5)), min_size=3, max_size=40
)  # fmt: skip
WORDS = st.lists(st.sampled_from("a b c the cat sat .".split()), max_size=9).map(" ".join)
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6)


def sides(pairs: list[tuple]) -> tuple[list, list]:
    return [p[0] for p in pairs], [p[1] for p in pairs]


def close(found: object, expected: object, tolerance: float = ROUNDING) -> bool:
    return bool(np.allclose(np.asarray(found, float), expected, rtol=0, atol=tolerance))


@settings(deadline=None, max_examples=60)
@given(CLASSES, st.sampled_from(["micro", "macro", "weighted", None]), st.sampled_from([0, 1]))
def test_precision_recall_and_f1_are_scikit_learn_s(pairs, average, zero) -> None:
    from sklearn import metrics

    said, true = sides(pairs)
    for name in ("precision", "recall", "f1"):
        oracle = getattr(metrics, f"{name}_score")
        expected = oracle(true, said, average=average, zero_division=zero)
        found = load_metric(name).compute(said, true, average=average, zero_division=zero)[name]
        assert close(found, expected)


@settings(deadline=None)
@given(CLASSES)
def test_a_fixed_set_of_classes_is_scikit_learn_s_labels(pairs) -> None:
    from sklearn.metrics import f1_score

    said, true = sides(pairs)
    labels = [0, 1, 2, 7]
    expected = f1_score(true, said, average="macro", labels=labels, zero_division=0)
    assert close(load_metric("f1", average="macro", labels=labels).compute(said, true)["f1"],
                 expected)  # fmt: skip


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
@settings(deadline=None)
@given(CLASSES)
def test_accuracy_and_matthews_are_scikit_learn_s(pairs) -> None:
    from sklearn.metrics import accuracy_score, matthews_corrcoef

    said, true = sides(pairs)
    assert close(load_metric("accuracy").compute(said, true)["accuracy"],
                 accuracy_score(true, said))  # fmt: skip
    found = load_metric("mcc").compute(said, true)["matthews_correlation"]
    assert close(found, matthews_corrcoef(true, said))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("xy")), min_size=1, max_size=20))
def test_binary_f1_of_texts_is_scikit_learn_s(pairs) -> None:
    from sklearn.metrics import f1_score

    said, true = sides([*pairs, ("x", "y")])
    expected = f1_score(true, said, pos_label="y")
    assert close(load_metric("f1", pos_label="y").compute(said, true)["f1"], expected)


@settings(deadline=None)
@given(NUMBERS)
def test_correlations_are_scipy_s(pairs) -> None:
    from scipy import stats

    said, true = (np.array(side, float) for side in sides(pairs))
    for name, oracle in (("pearsonr", stats.pearsonr), ("spearmanr", stats.spearmanr)):
        found = load_metric(name).compute(said, true)[name]
        if found is None:
            assert min(np.ptp(said), np.ptp(true)) <= 1e-12 * max(abs(said).max(), 1)
        elif np.ptp(said) > 1e-3:  # below that scipy itself warns of its rounding
            assert close(found, oracle(said, true).statistic, 1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), st.booleans()), min_size=1, max_size=40))
def test_auc_is_scikit_learn_s(pairs) -> None:
    from sklearn.metrics import roc_auc_score

    said, true = sides([*pairs, (0.5, True), (0.25, False)])
    found = load_metric("roc_auc").compute(prediction_scores=said, references=true)["roc_auc"]
    assert close(found, roc_auc_score(true, said))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=8))
def test_ndcg_over_all_documents_is_scikit_learn_s(gains) -> None:
    from sklearn.metrics import ndcg_score

    gains = [[*row, 1] for row in gains]
    scores = [[0.9, 0.1, 0.5, 0.7, 0.3, 0.2] for _ in gains]
    said = [dict(enumerate(row)) for row in scores]
    true = [dict(enumerate(row)) for row in gains]
    for k in (None, 3):
        assert close(load_metric("ndcg", k=k).compute(said, true)["ndcg"],
                     ndcg_score(gains, scores, k=k))  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("abc ", max_size=90), st.text("abc ", max_size=90)), min_size=1))
def test_error_rates_are_the_classic_edit_distance(pairs) -> None:
    said, true = sides(pairs)
    for name, split in (("wer", str.split), ("cer", lambda text: list(text.strip()))):
        edits = sum(classic(split(t), split(s)) for s, t in pairs)
        length = sum(len(split(t)) for t in true)
        expected = edits / length if length else None
        assert load_metric(name).compute(said, true)[name] == expected


def classic(first: list, second: list) -> int:
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@settings(deadline=None, max_examples=60)
@given(PAIRS, st.sampled_from(["13a", "intl", "none", "char", "zh"]))
def test_bleu_is_sacrebleu_s_and_so_is_its_signature(pairs, tokenize) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    said, true = sides(pairs)
    oracle = sacrebleu.BLEU(tokenize=tokenize)
    expected = oracle.corpus_score(said, [true])
    result = load_metric("bleu", tokenize=tokenize).compute(said, true)
    assert (result["score"], result["counts"], result["bp"]) == (
        expected.score, expected.counts, expected.bp,
    )  # fmt: skip
    assert result.signature.endswith(f"|up:sacrebleu/{oracle.get_signature()}")


@settings(deadline=None, max_examples=40)
@given(PAIRS)
def test_chrf_and_ter_are_sacrebleu_s(pairs) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    said, true = sides(pairs)
    for name, options, oracle in (
        ("chrf", {}, sacrebleu.CHRF()), ("chrf", {"word_order": 2}, sacrebleu.CHRF(word_order=2)),
        ("ter", {}, sacrebleu.TER()), ("ter", {"normalized": True}, sacrebleu.TER(normalized=True)),
    ):  # fmt: skip
        result = load_metric(name, **options).compute(said, true)
        assert close(result["score"], oracle.corpus_score(said, [true]).score)
        assert result.signature.endswith(f"|up:sacrebleu/{oracle.get_signature()}")


def test_bleu_of_several_references_in_any_number_is_sacrebleu_s() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    said = ["the cat sat", "a dog ran off"]
    true = [["the cat sat down", "a cat sat"], ["a dog ran away"]]
    oracle = sacrebleu.BLEU()
    expected = oracle.corpus_score(said, [["the cat sat down", "a dog ran away"],
                                          ["a cat sat", None]])  # fmt: skip
    result = load_metric("sacrebleu").compute(said, true)
    assert (result["score"], "nrefs:var" in result.signature) == (expected.score, True)


@settings(deadline=None, max_examples=60)
@given(PAIRS, st.booleans())
def test_rouge_is_rouge_score_s(pairs, stem) -> None:
    scorers = pytest.importorskip("rouge_score.rouge_scorer")
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    oracle = scorers.RougeScorer(names, use_stemmer=stem)
    said, true = sides(pairs)
    expected = [oracle.score(t, s) for s, t in pairs]
    result = load_metric("rouge", use_stemmer=stem).compute(said, true)
    for name in names:
        assert close(result[name], np.mean([one[name].fmeasure for one in expected]))


@pytest.mark.parametrize("mode", ["conlleval", "strict"])
@pytest.mark.parametrize("scheme", ["IOB2", "IOBES", "BILOU", "IOE2"])
def test_entities_are_seqeval_s(mode, scheme) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    from seqeval import scheme as schemes

    generator = np.random.default_rng(5)
    prefixes = {"IOB2": "BIO", "IOBES": "BIESO", "BILOU": "BILUO", "IOE2": "IEO"}[scheme]
    tags = ["O" if p == "O" else f"{p}-{t}" for p in prefixes for t in ("X", "Y")]
    for _ in range(150):
        said, true = ([list(generator.choice(tags, 9))] for _ in range(2))
        more = {"mode": "strict", "scheme": getattr(schemes, scheme)} if mode == "strict" else {}
        if mode == "conlleval" and scheme == "BILOU":
            continue  # its lenient mode does not know L and U
        expected = seqeval.f1_score(true, said, zero_division=0, **more)
        result = load_metric("seqeval", scheme=scheme, mode=mode).compute(said, true)
        assert close(result["overall_f1"], expected), (said, true)


def test_conlleval_s_example_is_seqeval_s_both_ways() -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    from seqeval.scheme import IOB2

    said, true = conll_sample()
    strict = load_metric("seqeval", scheme="IOB2", mode="strict").compute(said, true)
    expected = seqeval.f1_score(true, said, mode="strict", scheme=IOB2)
    assert close(strict["overall_f1"], expected)


def official_best(rows: list[tuple[float, float, bool, bool]]) -> float:
    """What the official SQuAD 2.0 script does to find the best threshold."""
    current = best = sum(not answerable for _, _, answerable, _ in rows)
    for _, score, answerable, spoke in sorted(rows, key=lambda row: row[0]):
        current += score if answerable else -int(spoke)
        best = max(best, current)
    return 100 * best / len(rows)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["", "a b", "a", "c"])), min_size=1,
                max_size=20), st.randoms())  # fmt: skip
def test_the_best_threshold_is_the_official_script_s(rows, random) -> None:
    chances = random.sample(range(1000), len(rows))
    said = [{"id": i, "prediction_text": text, "no_answer_probability": chances[i] / 1000}
            for i, (_, text) in enumerate(rows)]  # fmt: skip
    true = [{"id": i, "answers": {"text": ["a b"] if answerable else []}}
            for i, (answerable, _) in enumerate(rows)]  # fmt: skip
    exact = [(chances[i], float(text == "a b"), answerable, text != "")
             for i, (answerable, text) in enumerate(rows)]  # fmt: skip
    found = load_metric("squad2-best").compute(said, true)
    assert close(found["best_exact"], official_best(exact))


def test_the_interval_is_scipy_s_bootstrap_s() -> None:
    from scipy import stats

    said, true = questions("squad1-xquad-en")
    result = load_metric("squad").compute(said, true)
    values = [row["f1"] for row in result.examples]
    expected = stats.bootstrap((values,), np.mean, n_resamples=1000, method="percentile",
                               rng=np.random.default_rng(1))  # fmt: skip
    # Two draws of 1,000: their errors differ by a few per cent, their bounds by a quarter of one.
    assert result.score.stderr == pytest.approx(100 * expected.standard_error, rel=0.1)
    low, high = expected.confidence_interval
    assert result.score.ci == pytest.approx((100 * low, 100 * high), abs=0.5)
