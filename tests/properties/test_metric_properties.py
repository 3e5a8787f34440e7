"""Metrics are monoids: how examples are cut into parts, and their order, changes nothing."""

import random
from importlib.util import find_spec

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reprise import load_metric
from reprise.metrics import Metric, State, comparable, parse_signature
from reprise.metrics.catalogue import definitions
from reprise.metrics.options import text_of
from reprise.metrics.signature import write
from reprise.metrics.vectors import vectors_of

TAGS = ["B-X", "I-X", "B-Y", "I-Y", "O"]
UNIT = st.floats(0, 1, allow_subnormal=False)
RANKING = st.permutations("abcd")
SENTENCE = st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=6)
# Per metric: its options and a strategy for (prediction, reference).
METRICS = {
    "accuracy": ({}, st.tuples(st.integers(0, 3), st.integers(0, 3))),
    "f1": ({"average": "macro"}, st.tuples(st.sampled_from("xyz"), st.sampled_from("xyz"))),
    "matthews_correlation": ({}, st.tuples(st.integers(0, 2), st.integers(0, 2))),
    "pearsonr": ({}, st.tuples(UNIT, UNIT)),
    "spearmanr": ({}, st.tuples(UNIT, UNIT)),
    "roc_auc": ({}, st.tuples(UNIT, st.integers(0, 1))),
    "wer": ({}, st.tuples(st.text("ab ", max_size=12), st.text("ab ", max_size=12))),
    "mrr": ({}, st.tuples(RANKING, RANKING.map(lambda ids: ids[:2]))),
    "ndcg": ({"k": 3}, st.tuples(RANKING, RANKING.map(lambda ids: ids[:2]))),
    "entity_f1": ({"scheme": "IOB2", "mode": "strict"},
                  SENTENCE.map(lambda s: ([p for p, _ in s], [r for _, r in s]))),
}  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> tuple:
    name = draw(st.sampled_from(sorted(METRICS)))
    options, pair = METRICS[name]
    pairs = draw(st.lists(pair, min_size=1, max_size=12))
    cut = draw(st.lists(st.integers(0, len(pairs)), min_size=2, max_size=2).map(sorted))
    return load_metric(name, **options, replicates=20), pairs, cut, draw(st.integers())


def scored(metric, pairs: list) -> State:
    return metric.score([p for p, _ in pairs], [r for _, r in pairs]) if pairs else State()


@given(cases())
@settings(deadline=None)
def test_parts_merge_in_any_grouping_and_order_to_the_same_bits(case) -> None:
    metric, pairs, (first, second), seed = case
    whole = metric.finish(scored(metric, pairs))
    a, b, c = (scored(metric, pairs[i:j]) for i, j in
               ((0, first), (first, second), (second, len(pairs))))  # fmt: skip
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    shuffled = random.Random(seed).sample(pairs, len(pairs))
    for state in (a.merge(b, c), c.merge(a).merge(b), scored(metric, shuffled)):
        assert metric.finish(state) == whole
        assert metric.finish(state).scores == whole.scores


VECTORS = [(d, vector) for d in definitions() for vector in vectors_of(d)]


@st.composite
def cut_vectors(draw: st.DrawFn) -> tuple:
    """Draw a test vector of any metric, and the parts that its examples are cut into."""
    definition, vector = draw(st.sampled_from(VECTORS))
    size = len(vector["predictions"])
    owners = draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    parts = [[i for i, owner in enumerate(owners) if owner == part] for part in range(3)]
    return definition, vector, draw(st.permutations(parts))


@given(cut_vectors())
@settings(deadline=None, max_examples=300)
def test_every_metric_is_a_monoid_however_its_test_vectors_are_cut(case) -> None:
    definition, vector, parts = case
    assume(not definition.requires or find_spec(definition.requires[0]))
    metric = Metric(definition, vector.get("options", {}))
    said, true = vector["predictions"], vector.get("references")
    states = [metric.score([said[i] for i in part], true and [true[i] for i in part])
              for part in parts if part]  # fmt: skip
    whole = metric.finish(metric.score(said, true))
    assert metric.finish(State().merge(*states)).computation.values == whole.computation.values


@given(cases())
@settings(deadline=None)
def test_one_by_one_is_the_same_as_all_at_once(case) -> None:
    metric, pairs, _, _ = case
    for prediction, reference in pairs:
        metric.add(prediction=prediction, reference=reference)
    assert metric.compute() == metric.finish(scored(metric, pairs))


@given(cases())
@settings(deadline=None)
def test_values_are_numbers_or_undefined_and_intervals_hold_order(case) -> None:
    metric, pairs, _, _ = case
    for score in metric.finish(scored(metric, pairs)).scores.values():
        assert score.value is None or -1 <= score.value <= max(1, 12 * len(pairs))
        assert score.ci is None or score.ci[0] <= score.ci[1]
        assert score.n == len(pairs)


KEYS = st.text("abcdefgh", min_size=1, max_size=6).filter(lambda key: key not in {"id", "version"})


@given(st.dictionaries(KEYS, st.text(max_size=20), max_size=6))
def test_signatures_survive_any_value(fields) -> None:
    text = write("f1@1.0", fields.items())
    assert parse_signature(text) == {
        "id": "f1", "version": "1.0", **{key: text_of(value) for key, value in fields.items()},
    }  # fmt: skip
    assert comparable(text, text)
    assert "\n" not in text


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_score_of_one_example_is_the_batch_score_of_it(name) -> None:
    options, pair = METRICS[name]
    metric = load_metric(name, **options)

    @given(pair)
    @settings(deadline=None, max_examples=25)
    def check(example: tuple) -> None:
        definition = metric.definition
        chosen = metric._resolve({})
        columns = definition.read([example[0]], [example[1]], chosen)
        cells = definition.score(columns.predictions[0], columns.references[0], chosen)
        (row,) = metric.finish(scored(metric, [example])).examples
        assert [row[key] for key in definition.statistics] == list(cells)

    check()
