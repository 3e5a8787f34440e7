"""A folder with a metric becomes a repo of type metric, and is loaded by somebody else."""

import json
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import Forbidden, TooLarge, Unauthenticated
from tests.factories import make_token, make_user

METRIC = {
    "schema": 1,
    "summary": "Accuracy.",
    "metrics": [{"metric": "accuracy@1.0", "names": {"accuracy": "right"}}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "right"
    made.mkdir()
    (made / "metric.json").write_text(json.dumps(METRIC))
    (made / "README.md").write_text("# Right\n")
    return made


def test_a_metric_is_published_and_loaded(online, folder) -> None:
    done = reprise.publish(folder, "ada/right", repo_type="metric")
    assert (done.repo_type, done.url, done.files) == (
        "metric", f"{online.url}/metrics/ada/right", 2,
    )  # fmt: skip
    metric = reprise.load_metric("ada/right", revision=done.commit)
    assert metric.compute([1, 0], [1, 1]) == {"right": 0.5}


def test_publishing_again_changes_what_changed(online, folder) -> None:
    first = reprise.publish(folder, "ada/right", repo_type="metric")
    assert reprise.publish(folder, "ada/right", repo_type="metric").unchanged
    (folder / "README.md").unlink()
    second = reprise.publish(folder, "ada/right", repo_type="metric", prune=True, branch="next")
    assert second.commit != first.commit
    tree = "/api/metrics/ada/right/tree"
    client = online.client(online.token)
    main, new = (client.get(f"{tree}/{branch}").json() for branch in ("main", "next"))
    assert {item["path"] for item in main} == {".gitattributes", "README.md", "metric.json"}
    assert {item["path"] for item in new} == {".gitattributes", "metric.json"}


def test_strangers_cannot_publish(online, folder) -> None:
    reprise.publish(folder, "ada/right", repo_type="metric")
    make_user(online.registry, "eve")
    with pytest.raises(Forbidden):
        reprise.publish(folder, "ada/right", repo_type="metric",
                        token=make_token(online.registry, "eve"))  # fmt: skip
    with pytest.raises(Unauthenticated):
        reprise.publish(folder, "ada/right", repo_type="metric", token=False)


@pytest.mark.usefixtures("online")
def test_a_metric_of_many_megabytes_is_refused(folder) -> None:
    (folder / "data.txt").write_bytes(b"x" * (11 << 20))
    with pytest.raises(TooLarge, match="The files of a metric may have 10 MB"):
        reprise.publish(folder, "ada/right", repo_type="metric")
