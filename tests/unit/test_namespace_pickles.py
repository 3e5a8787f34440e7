"""Objects of a repo's classes cross process boundaries."""

import copy
import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reprise.hub.namespace import entry_point, register, unload
from reprise.hub.namespace.keys import to_key, to_slug
from reprise.hub.namespace.registry import lookup

REPOS = Path(__file__).parents[1] / "hubconf_repos"
KEY = "hub.org/owner/net/" + "c" * 40


@pytest.fixture
def hub_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place where this process and its children look for registered code."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub"


def in_new_process(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )


def forward(net: object) -> str:
    return net.forward()


def test_objects_survive_a_round_trip_and_a_copy() -> None:
    net = entry_point(REPOS / "same_names_a", KEY, "net")(3)
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert type(twin) is type(net)
        assert twin.forward() == "a:late a:a:3"
    unload(KEY)


def test_a_spawned_worker_finds_the_classes(hub_dir: Path) -> None:
    del hub_dir
    register(KEY, REPOS / "same_names_b")
    net = entry_point(REPOS / "same_names_b", KEY, "net")(4)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(forward, (net,)) == "b:late b:b:4"
    unload(KEY)


def test_another_process_reads_a_saved_object(hub_dir: Path, tmp_path: Path) -> None:
    del hub_dir
    register(KEY, REPOS / "same_names_a")
    net = entry_point(REPOS / "same_names_a", KEY, "net")(5)
    (tmp_path / "net.pkl").write_bytes(pickle.dumps(net))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).forward())"
    done = in_new_process(code, str(tmp_path / "net.pkl"))
    assert (done.stdout, done.returncode) == ("a:late a:a:5\n", 0)
    unload(KEY)


def test_modules_behind_path_edits_are_found_elsewhere_too(hub_dir: Path, tmp_path: Path) -> None:
    del hub_dir
    shutil.copytree(REPOS / "path_edits", tmp_path / "repo")
    (tmp_path / "repo/src/core/net.py").write_text(
        "class Box:\n    value = 8\ndef build(width=1):\n    return [Box()]\n"
    )
    register(KEY, tmp_path / "repo")
    (box,) = entry_point(tmp_path / "repo", KEY, "net")()
    (tmp_path / "box.pkl").write_bytes(pickle.dumps(box))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).value)"
    assert in_new_process(code, str(tmp_path / "box.pkl")).stdout == "8\n"
    unload(KEY)


def test_code_that_nobody_registered_is_not_run(hub_dir: Path, tmp_path: Path) -> None:
    del hub_dir
    net = entry_point(REPOS / "same_names_a", KEY, "net")(5)
    (tmp_path / "net.pkl").write_bytes(pickle.dumps(net))
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    done = in_new_process(code, str(tmp_path / "net.pkl"))
    message = f"The code of {KEY} is not registered on this machine; load the repo once"
    assert message in done.stderr
    unload(KEY)


def test_the_registry_is_one_small_file_per_key(hub_dir: Path, tmp_path: Path) -> None:
    register(KEY, tmp_path)
    register("hub.org/o/other/1", REPOS)
    files = list((hub_dir / "namespaces").iterdir())
    assert sorted(json.loads(file.read_text())["key"] for file in files) == [
        "hub.org/o/other/1",
        KEY,
    ]
    assert lookup(KEY) == tmp_path.resolve()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 1}', '{"key": "x", "folder": 3}', "null"])
def test_a_broken_registry_entry_counts_as_none(hub_dir: Path, text: str, tmp_path: Path) -> None:
    register(KEY, tmp_path)
    (file,) = (hub_dir / "namespaces").iterdir()
    file.write_text(text)
    assert lookup(KEY) is None


def test_a_folder_that_is_gone_counts_as_none(hub_dir: Path, tmp_path: Path) -> None:
    del hub_dir
    (tmp_path / "gone").mkdir()
    register(KEY, tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert lookup(KEY) is None


@pytest.mark.parametrize(
    "key", ["a/b", "hub.org/o-w/n_m/0f", "localhost+8000+http/ü/名 ", "", "_", "__d", "x" * 300]
)
def test_keys_become_identifiers_and_back(key: str) -> None:
    slug = to_slug(key)
    assert slug.isidentifier()
    assert slug.isascii()
    assert to_key(slug) == key


@pytest.mark.parametrize("slug", ["r_a_", "r__x_", "r_a_q", "x", "r_a_x110000_", "r_a_x61_", "r_é"])
def test_identifiers_that_no_key_gives_have_no_key(slug: str) -> None:
    assert to_key(slug) is None
