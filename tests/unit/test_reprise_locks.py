"""reprise.lock: one digest for one content, and differences that people can read."""

from dataclasses import replace

import pytest

from reprise.base.errors import InvalidFormat
from reprise.formats import pylock, reprise_lock, trees
from reprise.formats.lock_diff import Change, differences
from reprise.formats.pylock import LockedPackage
from reprise.formats.reprise_lock import (
    LockedCode,
    LockedData,
    LockedMetric,
    LockedModel,
    PythonPart,
    RepriseLock,
)
from reprise.formats.trees import TreeFile, digest_of

WEIGHTS = TreeFile("model.safetensors", 1234567, "a" * 64)
CONFIG = TreeFile("config.json", 12, "b" * 64)
CODE, ROWS = TreeFile("hubconf.py", 99, "c" * 64), TreeFile("test.csv", 500, "d" * 64)
COMMIT = "1" * 40


def make_lock(*files: TreeFile, commit: str = COMMIT) -> RepriseLock:
    held = files or (WEIGHTS, CONFIG)
    model = LockedModel("net", "ada/net", commit, digest_of(held), "main", "mit", held)
    code = LockedCode("net", "ada/net", commit, digest_of([CODE]), "main", ("net",), (CODE,))
    data = LockedData(
        "banking77", "ada/banking77", commit, digest_of([ROWS]), None, "default", "test", 3080,
        "e" * 64, (ROWS,),
    )  # fmt: skip
    metric = LockedMetric("accuracy", "1.0", "12ab34cd")
    return RepriseLock(
        ">=3.11", ("linux-x86_64",), PythonPart("pylock.toml", "f" * 64), (model,), (data,),
        (code,), (metric,), {"seeds": [0], "threads": 1}, {"libc": "glibc 2.36"},
    )  # fmt: skip


def test_a_lock_is_read_and_written_alike() -> None:
    lock = reprise_lock.ordered(make_lock())
    text = reprise_lock.write(lock)
    assert reprise_lock.read(text) == lock
    assert reprise_lock.write(reprise_lock.read(text)) == text
    assert "\n[[model.file]]\n" in text


def test_the_digest_leaves_out_hardware_and_author_and_order() -> None:
    lock = make_lock()
    other = replace(
        make_lock(CONFIG, WEIGHTS), hardware={"cpu": "of another kind"}, created_by="somebody"
    )
    assert other.digest == lock.digest
    assert lock.short_id == f"reprise:1:{lock.digest[:12]}"
    assert replace(lock, determinism={"seeds": [1], "threads": 1}).digest != lock.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1", "version = 2", "version is 2; this reads version 1"),
        ("size = 12", "size = 13", "model[0].tree-sha256 is not the digest of the files listed"),
        ('"config.json"', '"../config.json"', "model[0].file[0].path is no path"),
        ('"pylock.toml"', '"/etc/pylock.toml"', "python.lock is no path"),
        (COMMIT, "main", "model[0].commit must be a commit"),
        ('license = "mit"', 'licence = "mit"', "model[0].licence is unknown; did you mean license"),
    ],
)
def test_a_lock_that_contradicts_itself_is_refused(old, new, message) -> None:
    text = reprise_lock.write(make_lock())
    with pytest.raises(InvalidFormat) as caught:
        reprise_lock.read(text.replace(old, new, 1))
    assert message in caught.value.message


def test_one_name_cannot_mean_two_repos() -> None:
    lock = make_lock()
    twice = replace(lock, model=(*lock.model, replace(lock.model[0], repo="bob/net")))
    with pytest.raises(InvalidFormat, match="model names 'net' twice"):
        reprise_lock.read(reprise_lock.write(twice))


def test_a_difference_names_weights_rows_metric_and_packages() -> None:
    old = make_lock()
    trained = replace(WEIGHTS, sha256="9" * 64)
    new = replace(
        make_lock(trained, CONFIG, commit="2" * 40),
        metric=(LockedMetric("accuracy", "2.0", "99999999"),),
    )
    packages = tuple(pylock.Lock((LockedPackage("numpy", v),)) for v in ("2.1", "2.2"))
    found = differences(old, new, packages)
    assert found[0] == Change(
        "model", "net: model.safetensors", "aaaaaaaaaaaa (1,234,567 bytes)",
        "999999999999 (1,234,567 bytes)",
    )  # fmt: skip
    assert [(it.kind, it.name, it.changes_numbers) for it in found[1:]] == [
        ("model", "net", True), ("code", "net", False), ("dataset", "banking77", False),
        ("metric", "accuracy", True), ("package", "numpy", True),
    ]  # fmt: skip
    assert differences(old, old) == []


def test_files_of_a_folder_are_hashed_and_sorted_by_what_they_are(tmp_path) -> None:
    for name in ("hubconf.py", "net/layer.py", "model.safetensors", "README.md", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    files = trees.files_of(tmp_path)
    assert [file.path for file in trees.code_files(files)] == ["hubconf.py", "net/layer.py"]
    assert [file.path for file in trees.model_files(files)] == ["model.safetensors"]
    assert digest_of(files) == digest_of(reversed(files))
    (tmp_path / "model.safetensors").write_text("others")
    assert digest_of(trees.files_of(tmp_path)) != digest_of(files)
