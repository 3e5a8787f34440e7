"""Benchmarks as files: TOML of our own, and `eval.yaml` of other hubs."""

import pytest

from reprise.base.errors import InvalidFormat
from reprise.formats import benchmark
from reprise.formats.benchmark import Benchmark, Source
from reprise.formats.claim import MetricPin
from reprise.verify import sources
from reprise.verify.evaluators import catalogue

WHOLE = """
schema = 1
id = "ner"
title = "Names in tweets"
task = "token-classification"
evaluator = "tagging@1"
batch = 16
data = { repo = "ada/rows", commit = "COMMIT", config = "en", split = "test", limit = 100 }
metric = { id = "entity_f1@1.0", value = "overall_f1", args = { scheme = "IOB2", mode = "strict" } }
protocol = { input = "tokens", label = "tags" }
""".replace("COMMIT", "a" * 40)
EVAL_YAML = """
name: A benchmark
description: Questions and answers
evaluation_framework: inspect-ai
tasks:
  - id: closed
    config: default
    split: test
    field_spec: {input: question, target: answer}
    solvers: [{name: generate}]
    scorers: [{name: match}]
"""


def test_a_file_says_rows_protocol_and_metric() -> None:
    (found,) = benchmark.read(WHOLE)
    assert found == Benchmark(
        "ner", "tagging@1",
        Source("ada/rows", "a" * 40, config="en", split="test", limit=100),
        title="Names in tweets", task="token-classification",
        metric=MetricPin("entity_f1@1.0", "overall_f1", {"scheme": "IOB2", "mode": "strict"}),
        protocol={"input": "tokens", "label": "tags"}, batch=16,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema = 1", "schema = 2", "schema is 2; this reads schema 1"),
        ('id = "ner"', 'id = "a/b"', "id must be letters"),
        ('evaluator = "tagging@1"', "", "evaluator is missing"),
        ("protocol", "protocoll", "protocoll is unknown; did you mean protocol"),
        ('config = "en"', 'path = "x"', "path and repo are both there"),
        ('commit = "a', 'commit = "', "data.commit must be a commit"),
        ("batch = 16", "batch = -1", "batch must be a whole number"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_names_the_key(old: str, new: str, message: str) -> None:
    assert old in WHOLE
    with pytest.raises(InvalidFormat, match=message):
        benchmark.read(WHOLE.replace(old, new, 1))


def test_several_benchmarks_are_told_apart_by_their_ids() -> None:
    one = '[[benchmark]]\nid = "{}"\nevaluator = "tagging"\n'
    found = benchmark.read("schema = 1\n" + one.format("a") + one.format("b"))
    assert benchmark.choose(found, "b", "x").id == "b"
    for wanted, said in ((None, "several benchmarks"), ("c", "no benchmark 'c'")):
        with pytest.raises(InvalidFormat, match=said) as error:
            benchmark.choose(found, wanted, "x")
        assert error.value.hint == "Name one behind a #: a, b."
    with pytest.raises(InvalidFormat, match="names 'a' twice"):
        benchmark.read("schema = 1\n" + one.format("a") * 2)


def test_tasks_of_eval_yaml_ask_a_model_to_write() -> None:
    (found,) = benchmark.read_eval_yaml(EVAL_YAML)
    assert found == Benchmark(
        "closed", "generation", Source(config="default", split="test"),
        metric=MetricPin("exact_match"), protocol={"prompt": "{question}", "label": "answer"},
    )  # fmt: skip
    held = benchmark.of_repo(found, "ada/rows", "b" * 40)
    assert (held.data.repo, held.data.commit) == ("ada/rows", "b" * 40)
    for old, new, message in (
        ("match", "model_graded_fact", "has model_graded_fact, and known are match, exact, f1"),
        ("tasks:", "jobs:", "must have a list of tasks"),
        ("id: closed", "id: a b", "id must be letters"),
    ):
        with pytest.raises(InvalidFormat, match=message):
            benchmark.read_eval_yaml(EVAL_YAML.replace(old, new))


def test_a_data_sets_benchmark_may_not_name_files_of_this_machine() -> None:
    (found,) = benchmark.read(WHOLE.replace('repo = "ada/rows", commit', 'path = "/etc", commit'))
    with pytest.raises(InvalidFormat, match="must not name files of this machine"):
        benchmark.of_repo(found, "eve/rows", None)


def test_what_is_built_in_fits_its_evaluator() -> None:
    for found in sources.built_in():
        evaluator = catalogue.find(found.evaluator)
        assert evaluator.entry == found.evaluator
        assert evaluator.resolve(found.protocol)
        assert found.metric is not None
        assert found.title
