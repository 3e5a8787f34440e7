"""Two systems on the same examples."""

import doctest

import numpy as np
import pytest

from reprise import load_metric
from reprise.base.errors import InvalidInput, NotSupported
from reprise.metrics import paired, paired_difference
from tests.metric_data import conll_sample, questions


def test_right_and_wrong_are_counted_and_tested_as_mcnemar_does() -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(3)
    true = np.ones(500, int)
    first, second = generator.random(500) < 0.7, generator.random(500) < 0.8
    metric = load_metric("accuracy")
    found = paired_difference(metric.compute(first, true), metric.compute(second, true))
    assert found.value == pytest.approx(second.mean() - first.mean(), abs=1e-15)
    assert (found.better, found.worse) == ((second & ~first).sum(), (first & ~second).sum())
    expected = stats.binomtest(found.better, found.better + found.worse).pvalue
    assert found.p_value == pytest.approx(expected, abs=1e-12)
    assert found.differing == tuple(np.flatnonzero(first != second))


def test_what_both_share_cancels() -> None:
    said, true = questions("squad1-xquad-en")
    metric = load_metric("squad")
    second = [dict(row) for row in said]
    for row, gold in zip(second[:30], true, strict=False):
        row["prediction_text"] = gold["answers"]["text"][0]
    one, other = metric.compute(said, true), metric.compute(second[::-1], true[::-1])
    found = paired_difference(one, other, "exact_match")
    assert found.value == pytest.approx(other["exact_match"] - one["exact_match"], abs=1e-12)
    assert found.worse == 0
    assert 0 < found.ci[0] < found.value < found.ci[1]
    assert found.stderr < one.scores["exact_match"].stderr / 3
    assert set(found.differing) <= {row["id"] for row in said[:30]}


def test_entities_of_other_types_are_paired_by_sentence() -> None:
    said, true = conll_sample()
    metric = load_metric("seqeval", scheme="IOB2", mode="conlleval")
    renamed = [[tag.replace("-ADVP", "-NEW") for tag in row] for row in said]
    found = paired_difference(metric.compute(said, true), metric.compute(renamed, true))
    assert found.value < 0
    assert (found.better, found.worse) == (0, 4)  # 5 adverbial phrases in 4 sentences
    assert found.ci[1] <= 0


def test_fewer_errors_are_better() -> None:
    metric = load_metric("wer")
    true = ["a x", "c"]
    one, other = metric.compute(["a b", "c"], true), metric.compute(true, true)
    found = paired_difference(one, other)
    assert (found.value, found.better, found.worse, found.differing) == (-1 / 3, 1, 0, (0,))


def test_equal_systems_do_not_differ() -> None:
    result = load_metric("pearsonr").compute([1.0, 2.0, 4.0], [1.0, 3.0, 2.0])
    found = paired_difference(result, result)
    assert (found.value, found.p_value, found.differing) == (0.0, 1.0, ())


def test_numbers_that_cannot_be_compared_are_refused() -> None:
    said, true = questions("squad2-normans-rhine")
    one = load_metric("squad_v2").compute(said, true)
    with pytest.raises(InvalidInput, match=r"not comparable: threshold: 1\.0 or 0\.5"):
        paired_difference(one, load_metric("squad_v2", no_answer_threshold=0.5).compute(said, true))
    with pytest.raises(InvalidInput, match="not comparable: n: 706 or 705"):
        paired_difference(one, load_metric("squad_v2").compute(said[1:], true[1:]))
    with pytest.raises(InvalidInput, match="has no value 'f2'"):
        paired_difference(one, one, "f2")
    other = [{**row, "id": f"x{row['id']}"} for row in said]
    gold = [{**row, "id": f"x{row['id']}"} for row in true]
    with pytest.raises(InvalidInput, match="The second result has no example"):
        paired_difference(one, load_metric("squad_v2").compute(other, gold))


def test_merged_shards_without_ids_cannot_be_paired() -> None:
    metric = load_metric("accuracy")
    result = metric.finish(metric.score([1], [1]), metric.score([0], [1]))
    with pytest.raises(InvalidInput, match="no ids of their own"):
        paired_difference(result, result)


def test_groups_are_not_paired_yet() -> None:
    rows = [{"idx": {"paragraph": 0, "question": 0, "answer": a}, "prediction": a} for a in (0, 1)]
    result = load_metric("super_glue", "multirc").compute(rows, [0, 1])
    with pytest.raises(NotSupported, match="draws groups"):
        paired_difference(result, result)


def test_the_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(paired).failed == 0


def test_the_sign_test_is_smooth_where_it_stops_counting() -> None:
    stats = pytest.importorskip("scipy.stats")
    for better, worse in [(1100, 1000), (1200, 1001), (2500, 2300)]:
        expected = stats.binomtest(better, better + worse).pvalue
        assert paired.sign_test(better, worse) == pytest.approx(expected, rel=0.02)
