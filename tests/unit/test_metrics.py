"""Metrics as people use them: names, results, signatures, parts, vectors."""

import json
import pickle

import pytest

from reprise import load_metric
from reprise.base.errors import InvalidFormat, InvalidInput, NotFound
from reprise.metrics import State, catalogue, comparable, parse_signature, suite_score
from reprise.metrics.fingerprint import definition_hash
from reprise.metrics.metric import Metric
from reprise.metrics.options import MANDATORY
from reprise.metrics.vectors import recorded_hash, same, vectors_of
from tests import metric_reference
from tests.metric_data import conll_sample, questions

DEFINITIONS = list(catalogue.definitions())


def test_squad_2_scores_of_a_real_model_to_the_last_digit() -> None:
    result = load_metric("squad_v2").compute(*questions("squad2-normans-rhine"))
    shown = {name: f"{value:.11f}"[:-1] for name, value in result.items() if "total" not in name}
    assert shown == {
        "exact": "63.3144475920", "f1": "65.2853095912",
        "HasAns_exact": "63.4715025906", "HasAns_f1": "67.0762398223",
        "NoAns_exact": "63.1250000000", "NoAns_f1": "63.1250000000",
    }  # fmt: skip
    assert (result["total"], result["HasAns_total"], result["NoAns_total"]) == (706, 386, 320)


def test_squad_1_scores_of_a_real_model_to_the_last_digit() -> None:
    result = load_metric("squad").compute(*questions("squad1-xquad-en"))
    assert {name: f"{value:.4f}" for name, value in result.items()} == {
        "exact_match": "61.0924", "f1": "72.6671",
    }  # fmt: skip
    assert result.n == 1190


def test_conlleval_s_published_example() -> None:
    """Of 961 tokens and 459 phrases: 539 found, 371 right; 84.08, 68.83, 80.83, 74.35."""
    said, true = conll_sample()
    result = load_metric("seqeval", scheme="IOB2", mode="conlleval").compute(said, true)
    assert {name: round(100 * score.value, 2) for name, score in result.scores.items()} == {
        "overall_precision": 68.83, "overall_recall": 80.83, "overall_f1": 74.35,
        "overall_accuracy": 84.08,
    }  # fmt: skip
    by_type = {name: round(100 * entry["f1"], 2) for name, entry in result.items()
               if isinstance(entry, dict)}  # fmt: skip
    assert by_type == {
        "ADJP": 0.0, "ADVP": 52.63, "NP": 71.16, "PP": 90.36, "SBAR": 44.44, "VP": 73.8,
    }  # fmt: skip


def test_a_score_has_value_unit_n_error_interval_and_signature() -> None:
    result = load_metric("squad_v2").compute(*questions("squad2-normans-rhine"))
    score = result.score
    assert (score.metric, score.name, score.unit, score.n) == ("squad2@1.0", "f1", "percent", 706)
    assert score.value == result["f1"]
    assert score.signature == (
        "squad2@1.0|n:706|value:f1|norm:en|agg:max|missing:0|na:text|threshold:1.0|unit:percent"
        f"|bs:1000|seed:12345|def:{definition_hash(catalogue.load('squad2', '1.0'))}"
    )
    # 65.3 of 100 over 706 examples: the binomial error is 1.79.
    assert 1.6 < score.stderr < 1.9
    assert score.ci[0] < score.value - score.stderr < score.value + score.stderr < score.ci[1]


def test_an_interval_repeats_with_its_seed_and_moves_with_another() -> None:
    pair = [[1, 0, 1, 1, 0, 1, 0, 1] * 9, [1, 1, 1, 0, 0, 1, 0, 0] * 9]
    first = load_metric("accuracy").compute(*pair).score
    assert load_metric("accuracy").compute(*pair).score == first
    other = load_metric("accuracy", seed=7).compute(*pair).score
    assert (other.value, other.stderr == first.stderr) == (first.value, False)
    assert comparable(first.signature, other.signature).notes == ("seed: 12345 or 7",)


def test_results_are_plain_dicts_for_everybody_else() -> None:
    result = load_metric("glue", "mrpc").compute(predictions=[1, 0, 1], references=[1, 1, 1])
    assert json.loads(json.dumps(result)) == {"accuracy": 2 / 3, "f1": 0.8}
    assert {**result, "eval": 1} == {"accuracy": 2 / 3, "f1": 0.8, "eval": 1}
    copy = type(result)({name: value for name, value in result.items()})  # noqa: C416 - as Trainer
    assert copy == result
    with pytest.raises(InvalidInput, match="holds only its values"):
        copy.score  # noqa: B018
    with pytest.raises(KeyError, match="this result has accuracy, f1"):
        result["f1_m"]
    assert float(load_metric("wer").compute(["a b"], ["a c"])) == 0.5


@pytest.mark.parametrize(
    ("name", "config", "found"),
    [("squad", None, "squad1"), ("squad_v2", None, "squad2"), ("seqeval", None, "entity_f1"),
     ("glue", "mnli", "glue-mnli_matched"), ("super_glue", "axb", "superglue-axb"),
     ("glue", "STSB", "glue-stsb"), ("super_glue", "cb", "superglue-cb"), ("MCC", None,
     "matthews_correlation"), ("f1@1", None, "f1"), ("squad_v2@1.0", None, "squad2")],
)  # fmt: skip
def test_names_that_users_of_evaluate_know_resolve(name, config, found) -> None:
    assert load_metric(name, config).name == f"{found}@1.0"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("acuracy", "Did you mean accuracy"), ("squad3", "squad"), ("glue_mrpc", "glue-mrpc"),
     ("f1@2.0", "It has 1.0."), ("zzzzzz", "reprise metric list")],
)  # fmt: skip
def test_an_unknown_name_lists_near_ones(name, hint) -> None:
    with pytest.raises(NotFound) as caught:
        load_metric(name)
    assert hint in caught.value.hint


def test_a_benchmark_without_a_task_lists_its_tasks() -> None:
    with pytest.raises(InvalidInput) as caught:
        load_metric("glue")
    assert "ax, cola, mnli_matched, mnli_mismatched, mrpc, qnli" in caught.value.hint
    with pytest.raises(NotFound, match="no task 'mrpd'"):
        load_metric("glue", "mrpd")
    with pytest.raises(InvalidInput, match="no configurations"):
        load_metric("f1", "mrpc")


def test_adding_piece_by_piece_is_the_same_as_all_at_once() -> None:
    metric = load_metric("f1")
    metric.add(prediction=1, reference=1)
    metric.add_batch(predictions=[0, 1], references=[1, 1])
    metric.add(prediction=0, references=0)
    assert metric.compute(average="macro") == {"f1": 0.7333333333333334}
    with pytest.raises(InvalidInput, match="no examples"):
        metric.compute(average="macro")
    metric.add(prediction=0.5, reference=1)
    for _ in range(2):
        with pytest.raises(InvalidInput, match="looks like a score"):
            metric.compute()
    metric.clear()
    assert metric.compute([1], [1]) == {"f1": 1.0}


def test_batches_are_copied_because_buffers_are_used_again() -> None:
    import numpy as np

    metric, buffer = load_metric("accuracy"), np.array([1, 1])
    metric.add_batch(buffer, np.array([1, 1]))
    buffer[:] = 0
    assert metric.compute() == {"accuracy": 1.0}


def test_shards_scored_elsewhere_are_merged_and_finished() -> None:
    metric = load_metric("seqeval", scheme="IOB2", mode="conlleval")
    said, true = conll_sample()
    shards = [metric.score(said[k::3], true[k::3]) for k in range(3)]
    travelled = [pickle.loads(pickle.dumps(shard)) for shard in shards]
    whole = metric.finish(State().merge(*travelled))
    assert whole.scores == metric.compute(said, true).scores


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", ["squad2", "entity_f1", "accuracy"])
def test_examples_are_kept_and_finish_again_without_a_model(tmp_path, name, suffix) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    options = {"scheme": "IOB2", "mode": "strict"} if name == "entity_f1" else {}
    inputs = {"squad2": lambda: questions("squad2-normans-rhine"), "entity_f1": conll_sample,
              "accuracy": lambda: (["a", "b", "b"], ["a", "b", "a"])}  # fmt: skip
    metric = load_metric(name, **options)
    result = metric.compute(*inputs[name]())
    path = tmp_path / f"examples.{suffix}"
    getattr(result.examples, f"to_{suffix}")(path)
    assert metric.finish(metric.read_examples(path)).scores == result.scores
    with pytest.raises(InvalidFormat, match="holds statistics of"):
        load_metric("wer").read_examples(path)


def test_an_example_shows_id_prediction_and_statistics() -> None:
    result = load_metric("wer").compute(["a b"], ["a c"])
    assert list(result.examples) == [{"id": 0, "prediction": "a b", "edits": 1, "length": 2}]


def test_signatures_decide_what_may_be_compared() -> None:
    base = "squad2@1.0|n:10|value:f1|norm:en|unit:percent|seed:1|def:aaaaaaaa"
    assert comparable(base, base)
    assert comparable(base, base.replace("@1.0", "@1.4").replace("aaaaaaaa", "bbbbbbbb"))
    for change in ("@1.0 @2.0", "n:10 n:11", "norm:en norm:zh", "value:f1 value:exact",
                   "squad2@ squad2-best@", "|norm:en |case:no"):  # fmt: skip
        old, new = change.split()
        assert not comparable(base, base.replace(old, new))
    upstream = "bleu@1.0|n:2|up:sacrebleu/nrefs:1|tok:13a|version:2.6.0"
    assert comparable(upstream, upstream.replace("2.6.0", "2.5.1"))
    assert str(comparable(upstream, upstream.replace("13a", "intl"))) == (
        "not comparable: up.tok: 13a or intl"
    )


@pytest.mark.parametrize("text", ["", "f1", "@1.0", "f1@1.0|n", "f1@1.0|n:1|n:2", 7, "x@1" * 3000])
def test_what_is_no_signature_is_refused(text) -> None:
    with pytest.raises(InvalidFormat):
        parse_signature(text)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.name)
def test_test_vectors_hold(definition) -> None:
    if definition.requires:
        pytest.importorskip(definition.requires[0])
    vectors = vectors_of(definition)
    assert vectors
    for vector in vectors:
        metric = Metric(definition, vector.get("options", {}))
        found = metric.compute(vector["predictions"], vector.get("references"))
        assert same(found.computation.values, vector["values"]), vector


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.name)
def test_a_definition_that_changed_is_noticed(definition) -> None:
    """Where values changed: a new MAJOR version. Where only the code did: record the new hash.

    python -m tests.metric_hashes
    """
    assert definition_hash(definition) == recorded_hash(definition)


def test_the_hash_sees_values_and_not_wording() -> None:
    from dataclasses import replace

    from reprise.metrics.fingerprint import fingerprint

    squad2 = catalogue.load("squad2", "1.0")
    assert fingerprint(replace(squad2, summary="Other words."), []) == fingerprint(squad2, [])
    assert fingerprint(replace(squad2, unit="fraction"), []) != fingerprint(squad2, [])
    assert fingerprint(squad2, [{"predictions": []}]) != fingerprint(squad2, [])


def test_mandatory_options_have_no_default_value() -> None:
    mandatory = {d.id: [o.name for o in d.options if o.default is MANDATORY] for d in DEFINITIONS}
    assert {name: options for name, options in mandatory.items() if options} == {
        "entity_f1": ["scheme", "mode"],
        "grouped_accuracy": ["average"],
        "perplexity": ["level", "context", "stride", "bos"],
        "recall_at_k": ["k"],
    }


def test_the_score_of_a_benchmark_says_which_tasks_it_is_over() -> None:
    results = {
        "rte": load_metric("glue", "rte").compute([1, 0, 1, 1], [1, 1, 1, 1]),
        "mrpc": load_metric("glue", "mrpc").compute([1, 0, 1], [1, 1, 1]),
        "mnli_matched": load_metric("glue", "mnli_matched").compute([0, 1], [0, 2]),
        "mnli_mismatched": load_metric("glue", "mnli_mismatched").compute([0, 1], [0, 1]),
    }
    score = suite_score("glue", results, tasks=["rte", "mrpc", "mnli"])
    assert score.value == pytest.approx((0.75 + (2 / 3 + 0.8) / 2 + (0.5 + 1) / 2) / 3, abs=1e-15)
    assert score.signature.startswith("glue-score@1.0|n:11|tasks:mrpc,mnli,rte|agg:mean-of-means|")
    assert score.ci[0] < score.value < score.ci[1]
    with pytest.raises(InvalidInput, match="The result of 'cola' is missing"):
        suite_score("glue", results)


def test_a_part_of_an_evaluation_set_is_said_to_be_one() -> None:
    assert load_metric("glue", "rte").compute([1, 0], [1, 0]).notes == (
        "2 examples: not a whole evaluation set (dev 277).",
    )


def test_the_reference_page_is_fresh() -> None:
    """Write it anew with `python -m tests.metric_reference`."""
    assert metric_reference.PAGE.read_text(encoding="utf-8") == metric_reference.page()


@pytest.mark.parametrize(
    ("text", "version"), [("x", "10.0"), ("x@1", "1.2"), ("x@1.0", "1.0"), ("x@2", "2.0")]
)
def test_old_versions_stay_and_the_newest_is_meant(monkeypatch, text, version) -> None:
    known = {"x": dict.fromkeys(["10.0", "1.2", "2.0", "1.0"], "module:NAME")}
    monkeypatch.setattr(catalogue, "_BUILT_IN", known)
    assert catalogue.resolve(text) == catalogue.Name("x", version)
