"""The same steps on workers of Ray: the same rows under the same keys. Runs where Ray is there."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput, RemoteFailure, WorkerCrashed
from reprise.data import Dataset, RayExecutor, Store

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    os.environ["RAY_AUTH_MODE"] = "disabled"  # else a token is written into the home folder
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1",
        _temp_dir=str(tmp_path_factory.mktemp("r")),
    )  # fmt: skip
    yield RayExecutor()
    ray.shutdown()


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    rows = Dataset.from_dict({"x": list(range(9000))}).with_store(Store(tmp_path / "store"))
    return rows.shuffle(seed=1)


def test_rows_and_keys_are_those_of_this_machine(cluster: RayExecutor, data: Dataset) -> None:
    factor = 3

    def times(row: dict) -> dict:
        return {"y": row["x"] * factor}

    there = data.map(times, executor=cluster)
    here = data.map(times)
    assert cluster.workers == 2
    assert [step.reused for step in here.history] == [True]
    assert there.identity == here.identity
    assert there[:] == data.map(times, cache=False)[:]
    kept = data.filter(lambda row: row["x"] % 2 == 0, executor=cluster)
    assert kept[:] == data.filter(lambda row: row["x"] % 2 == 0, cache=False)[:]
    few = data.take(3).map(times, executor=RayExecutor(workers=1))
    assert few["y"] == data.take(3).map(times, cache=False)["y"]


def test_a_failure_names_the_row_and_leaves_nothing(cluster: RayExecutor, data: Dataset) -> None:
    with pytest.raises(RemoteFailure, match=r"ZeroDivisionError.*in row \d+, given to") as caught:
        data.map(lambda row: {"y": 1 // (row["x"] - 5000)}, executor=cluster)
    assert "Traceback" in caught.value.trace
    assert [path for path in data.store.root.rglob("*") if path.is_file()] == []


def test_a_worker_that_ends_is_an_error(cluster: RayExecutor, data: Dataset) -> None:
    def end(row: dict) -> dict:
        if row["x"] == 5000:
            os._exit(3)
        return {"y": 1}

    with pytest.raises(WorkerCrashed, match="ended before its rows were done"):
        data.map(end, executor=cluster)
    with pytest.raises(InvalidInput, match="1 or more"):
        RayExecutor(workers=-1)
