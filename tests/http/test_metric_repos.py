"""Metrics from repos of type metric, on a live hub, by name and commit."""

import json

import pytest

from reprise import load_metric
from reprise.base.errors import (
    ConsentRequired,
    InvalidFormat,
    InvalidInput,
    OfflineMiss,
    RepoNotFound,
)
from reprise.isolate.limits import Level
from reprise.metrics import comparable
from tests.committing import commit
from tests.factories import make_repo
from tests.sandboxes import skip_unless_available

COMPOSED = {
    "schema": 1,
    "summary": "Accuracy and macro F1 over three classes.",
    "metrics": [
        {"metric": "accuracy@1.0"},
        {
            "metric": "f1@1.0",
            "options": {"average": "macro", "labels": [0, 1, 2]},
            "names": {"f1": "macro_f1"},
        },
    ],
    "mean": ["accuracy", "macro_f1"],
}
PLACED = {
    "schema": 1,
    "summary": "Share of letters in place.",
    "statistics": ["hits", "letters"],
    "values": {"placed": {"ratio": ["hits", "letters"]}},
}
HUBCONF = b"""
import os


def score(predictions, references):
    rows = []
    for said, true in zip(predictions, references):
        hits = sum(a == b for a, b in zip(said, true))
        rows.append({"hits": hits, "letters": len(true)})
    return rows
"""


def publish(hub, files: dict[str, bytes], name: str = "ada/three-classes") -> str:
    return commit(hub.registry, name, files, repo_type="metric")


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_repo_that_composes_built_in_metrics_runs_without_consent(online) -> None:
    make_repo(online.registry, "ada/three-classes", "metric")
    at = publish(online, {"metric.json": as_json(COMPOSED)})
    result = load_metric("ada/three-classes").compute(predictions=[0, 1, 1], references=[0, 1, 0])
    assert result == {"accuracy": 2 / 3, "macro_f1": 4 / 9, "mean": 5 / 9}
    assert result.score.metric.endswith(f"/ada/three-classes+metric@{at}")
    assert result.score.n == 3


def test_the_same_in_yaml_by_commit_branch_and_offline(online, monkeypatch) -> None:
    import yaml
    from huggingface_hub import constants

    make_repo(online.registry, "ada/three-classes", "metric")
    at = publish(online, {"metric.yaml": yaml.safe_dump(COMPOSED).encode()})
    for revision in (at, "main", None):
        metric = load_metric("ada/three-classes", revision=revision)
        assert metric.compute([0, 1], [0, 0])["accuracy"] == 0.5
    assert load_metric(f"ada/three-classes@{at}").name == metric.name
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_metric("ada/three-classes", revision="main").name == metric.name
    with pytest.raises(OfflineMiss):
        load_metric("ada/three-classes", revision="other")


def test_two_commits_of_a_metric_are_two_metrics(online) -> None:
    make_repo(online.registry, "ada/three-classes", "metric")
    publish(online, {"metric.json": as_json(COMPOSED)})
    first = load_metric("ada/three-classes").compute([0, 1], [0, 0]).score
    publish(online, {"metric.json": as_json({**COMPOSED, "summary": "Changed."})})
    second = load_metric("ada/three-classes").compute([0, 1], [0, 0]).score
    assert first.value == second.value
    assert not comparable(first.signature, second.signature)


def test_a_metric_and_a_model_of_one_name_do_not_meet_in_the_cache(online) -> None:
    make_repo(online.registry, "ada/three-classes", "metric")
    make_repo(online.registry, "ada/three-classes", "model")
    commit(online.registry, "ada/three-classes", {"hubconf.py": b"def net():\n    return 1\n"})
    publish(online, {"metric.json": as_json(COMPOSED)})
    import reprise

    assert reprise.list("ada/three-classes") == ["net"]
    assert load_metric("ada/three-classes").compute([0], [0])["accuracy"] == 1.0
    assert reprise.list("ada/three-classes", force_reload=True) == ["net"]


def test_code_of_a_metric_runs_after_consent_to_its_commit_only(online) -> None:
    make_repo(online.registry, "ada/placed", "metric")
    files = {"metric.json": as_json(PLACED), "hubconf.py": HUBCONF}
    at = publish(online, files, "ada/placed")
    with pytest.raises(ConsentRequired, match=at):
        load_metric("ada/placed")
    result = load_metric("ada/placed", trust_repo=True).compute(["abc", "xy"], ["abd", "xyz"])
    assert result == {"placed": 4 / 6}
    assert [row["hits"] for row in result.examples] == [2.0, 2.0]
    assert load_metric("ada/placed").compute(["a"], ["a"])["placed"] == 1.0
    publish(online, {"hubconf.py": HUBCONF + b"\n# changed\n"}, "ada/placed")
    with pytest.raises(ConsentRequired):
        load_metric("ada/placed")


def test_code_of_a_metric_runs_in_a_worker_without_consent(online) -> None:
    skip_unless_available(Level.RULES)
    make_repo(online.registry, "ada/placed", "metric")
    spy = b"\nif os.path.exists(os.path.expanduser('~/.ssh')):\n    raise SystemExit('sees home')\n"
    publish(
        online, {"metric.json": as_json(PLACED), "hubconf.py": HUBCONF + spy}, "ada/placed"
    )  # fmt: skip
    metric = load_metric("ada/placed", isolated=True)
    assert metric.compute(["abc", "xy"], ["abd", "xyz"]) == {"placed": 4 / 6}


def test_an_unknown_repo_and_a_broken_one_are_named(online) -> None:
    with pytest.raises(RepoNotFound):
        load_metric("ada/nothing")
    make_repo(online.registry, "ada/empty", "metric")
    with pytest.raises(InvalidFormat, match=r"metric\.json, metric\.yaml, metric\.yml; this one"):
        load_metric("ada/empty")
    with pytest.raises(InvalidInput, match="names a revision already"):
        load_metric("ada/empty:main", revision="main")


def test_code_of_a_metric_comes_from_the_hub_that_was_named(online, monkeypatch) -> None:
    from huggingface_hub import constants

    make_repo(online.registry, "ada/placed", "metric")
    files = {"metric.json": as_json(PLACED), "hubconf.py": HUBCONF}
    publish(online, files, "ada/placed")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")  # nobody is there
    host = online.url.removeprefix("http://")
    metric = load_metric(f"{host}:ada/placed", revision="main", trust_repo=True)
    assert metric.compute(["abc"], ["abd"]) == {"placed": 2 / 3}
