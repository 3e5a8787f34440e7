"""Threads that load repos at the same time."""

import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reprise.hub.namespace import entry_point, folder_key, load_module

REPOS = Path(__file__).parents[1] / "hubconf_repos"
THREADS = 8


def at_once(tasks: list[Callable[[], object]]) -> list[object]:
    """Run tasks in threads that start together, and return their results in order."""
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> object:
        start.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def test_threads_that_load_one_repo_share_its_modules(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("import time, counter\ntime.sleep(0.01)\nvalue = []\n")
    (tmp_path / "counter.py").write_text("import time\ntime.sleep(0.01)\n")
    modules = at_once([lambda: load_module(tmp_path, folder_key(tmp_path))] * THREADS)
    assert len({id(module) for module in modules}) == 1


def test_threads_that_load_different_repos_get_their_own(tmp_path: Path) -> None:
    for number in range(THREADS):
        folder = tmp_path / str(number)
        shutil.copytree(REPOS / "same_names_a", folder)
        (folder / "utils" / "helper.py").write_text(
            f"import time\ntime.sleep(0.001)\nNAME = {number}\n"
        )

    def load(number: int) -> str:
        folder = tmp_path / str(number)
        return entry_point(folder, folder_key(folder), "net")(number).forward()

    results = at_once([lambda number=number: load(number) for number in range(THREADS)])
    assert results == [f"{n}:late a:{n}:{n}" for n in range(THREADS)]


def test_threads_that_unpickle_equal_bare_names_get_their_own_classes(tmp_path: Path) -> None:
    for number in range(THREADS):
        folder = tmp_path / str(number)
        shutil.copytree(REPOS / "whole_model_pickle", folder)
        (folder / "models" / "layer.py").write_text(
            f"class Layer:\n    def __call__(self, x):\n        return x + {number}\n"
        )

    def load(number: int) -> list[int]:
        folder = tmp_path / str(number)
        net = entry_point(folder, folder_key(folder), "net")
        return [net()(0) for _ in range(20)]

    results = at_once([lambda number=number: load(number) for number in range(THREADS)])
    assert results == [[2 * number] * 20 for number in range(THREADS)]
    assert not {"models", "models.net", "models.layer"} & set(sys.modules)


def test_an_error_in_one_thread_leaves_the_others_alone(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("import models\nraise RuntimeError\n")
    (tmp_path / "models.py").write_text("")

    def fail() -> str:
        try:
            load_module(tmp_path, folder_key(tmp_path))
        except RuntimeError:
            return "failed"
        return "loaded"

    folder = REPOS / "whole_model_pickle"
    tasks = [fail, lambda: entry_point(folder, folder_key(folder), "net")()(7)] * 4
    before = list(sys.path)
    assert at_once(tasks) == ["failed", 42] * 4
    assert sys.path == before
