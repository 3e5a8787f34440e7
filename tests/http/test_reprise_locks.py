"""`reprise lock` on a live hub: made, obeyed, checked, upgraded, compared, fetched, exported."""

import json
import sys
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import CorruptContent, InvalidInput, NotFound
from reprise.cli.main import run
from reprise.formats import pylock, reprise_lock
from reprise.hub import Isolation
from reprise.hub.locked import read_lock
from reprise.isolate.limits import Level
from reprise.isolate.requirements import Sources
from tests.sandboxes import skip_unless_available
from tests.wheelhouse import lock_of, make_wheel

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client

HUBCONF = '''
dependencies = ["base"]
import base

def net():
    """Say a number."""
    return NUMBER

def version():
    """Say which packages are here."""
    return base.version
'''


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for version in ("1.0", "2.0"):
        make_wheel(tmp_path / "shelf", "base", version)
    return tmp_path / "shelf"


@pytest.fixture
def repo(online, tmp_path, shelf, monkeypatch) -> Path:  # noqa: ARG001 - the hub to publish on
    """The folder of ada/net, published, beside ada/rows; the working folder is an empty one."""
    folder, rows = tmp_path / "net", tmp_path / "rows"
    folder.mkdir()
    rows.mkdir()
    (folder / "pylock.toml").write_text(pylock.write(lock_of(shelf / "base-1.0-py3-none-any.whl")))
    (folder / "weights.json").write_text("[1, 2]")
    (rows / "test.csv").write_text("text,label\nhello,1\n")
    (rows / "README.md").write_text("---\nlicense: mit\n---\n# Rows\n")
    reprise.publish(rows, "ada/rows", repo_type="dataset")
    publish(folder, 1)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return folder


def publish(folder: Path, number: int) -> str:
    (folder / "hubconf.py").write_text(HUBCONF.replace("NUMBER", str(number)))
    (folder / "README.md").write_text(f"---\nlicense: mit\n---\n# Net {number}\n")
    return reprise.publish(folder, "ada/net", lock=None).commit


def lock(*argv: object) -> int:
    return run(["lock", *map(str, argv)])


@pytest.mark.usefixtures("repo")
def test_a_lock_pins_code_weights_data_metric_and_packages(capsys) -> None:
    made = lock(
        "ada/net", "--data", "ada/rows", "--split", "test", "--metric", "squad_v2",
        "--set", "seeds=[7]",
    )  # fmt: skip
    assert made == 0
    found = read_lock(".")
    assert capsys.readouterr().out.splitlines()[0] == found.short_id
    assert [(it.name, [file.path for file in it.file]) for it in found.repos] == [
        ("ada/net", ["weights.json"]), ("ada/rows:test", ["test.csv"]),
        ("ada/net", ["hubconf.py", "pylock.toml"]),
    ]  # fmt: skip
    assert [(it.id, it.version) for it in found.metric] == [("squad2", "1.0")]
    assert (found.dataset[0].rows, len(found.dataset[0].content_sha256)) == (1, 64)
    assert (found.model[0].license, found.determinism) == ("mit", {"seeds": [7]})
    assert [it.name for it in pylock.read(Path("pylock.toml").read_text()).packages] == ["base"]
    assert lock("--check") == 0


def test_a_lock_decides_which_commit_is_loaded(repo, shelf, monkeypatch) -> None:
    monkeypatch.syspath_prepend(shelf / "base-1.0-py3-none-any.whl")
    lock("ada/net")
    publish(repo, 2)
    found = reprise.load("ada/net", "net", trust_repo=True, lock=".")
    del sys.modules["base"]  # other tests look whether theirs was loaded here
    assert found == 1


def test_an_isolated_load_gets_the_locked_packages(repo, shelf, tmp_path) -> None:
    skip_unless_available(Level.RULES)
    lock("ada/net")
    newer = pylock.write(lock_of(shelf / "base-2.0-py3-none-any.whl"))
    (repo / "pylock.toml").write_text(newer)
    publish(repo, 2)
    sources = Sources(find_links=(shelf,), offline=True)
    isolation = Isolation(sources=sources, root=tmp_path / "environments")
    assert reprise.load("ada/net", "version", isolated=isolation, lock=".") == "1.0"
    assert reprise.load("ada/net", "version", isolated=isolation) == "2.0"


def test_an_upgrade_moves_what_is_named_and_the_difference_is_shown(repo, capsys) -> None:
    first = publish(repo, 1)
    lock("ada/net", "--data", "ada/rows")
    Path("old").mkdir()
    for name in ("reprise.lock", "pylock.toml"):
        (Path("old") / name).write_bytes(Path(name).read_bytes())
    second = publish(repo, 2)
    lock("ada/rows" if second == first else "--upgrade", "ada/net")
    capsys.readouterr()
    assert lock("diff", "old", "reprise.lock", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["kind"], row["name"], row["changes_numbers"]) for row in rows] == [
        ("model", "ada/net", False), ("code", "ada/net: hubconf.py", True),
        ("code", "ada/net", True),
    ]  # fmt: skip


def test_a_repo_that_the_lock_does_not_name_is_refused(repo) -> None:
    lock("--data", "ada/rows")
    with pytest.raises(NotFound, match="does not name ada/net"):
        reprise.load("ada/net", "net", trust_repo=True, lock=".")
    with pytest.raises(InvalidInput, match="is a folder"):
        reprise.load(str(repo), "net", lock=".")
    with pytest.raises(NotFound, match=r"There is no reprise\.lock"):
        reprise.load("ada/net", "net", lock="elsewhere")


@pytest.mark.usefixtures("repo")
def test_content_that_changed_behind_its_commit_is_noticed(client_home, capsys) -> None:
    lock("ada/net")
    (code,) = client_home.rglob("hubconf.py")
    code.chmod(0o644)
    code.write_text(HUBCONF.replace("NUMBER", "3"))
    with pytest.raises(CorruptContent, match=r"is not what was locked: hubconf\.py differs"):
        reprise.load("ada/net", "net", trust_repo=True, lock=".")
    capsys.readouterr()
    assert lock("--check", "--json") == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem.startswith("ada/net: ada/net@")


@pytest.mark.usefixtures("repo")
def test_packages_that_changed_beside_a_lock_are_noticed() -> None:
    lock("ada/net")
    Path("pylock.toml").write_text(Path("pylock.toml").read_text() + "\n")
    assert lock("--check") == 1
    with pytest.raises(CorruptContent, match="not the one that was locked"):
        reprise.load("ada/net", "net", isolated=True, lock=".")


@pytest.mark.usefixtures("repo")
def test_everything_is_fetched_again_without_a_network(shelf, capsys) -> None:
    lock("ada/net", "--data", "ada/rows")
    capsys.readouterr()
    assert lock("sync", "--find-links", shelf, "--offline", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (Path(found["folders"]["ada/rows"]) / "test.csv").is_file()
    assert Path(found["python"]).is_file()


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize(
    ("form", "key", "names"),
    [
        ("cyclonedx", "components", ["ada/net", "ada/rows", "ada/net", "base"]),
        ("spdx", "packages", ["ada/net", "ada/rows", "ada/net", "base"]),
        ("croissant", "distribution", ["test.csv"]),
    ],
)
def test_a_lock_is_exported_for_other_tools(form, key, names, capsys) -> None:
    lock("ada/net", "--data", "ada/rows")
    capsys.readouterr()
    assert lock("export", form) == 0
    assert [item["name"] for item in json.loads(capsys.readouterr().out)[key]] == names


@pytest.mark.usefixtures("repo")
def test_what_is_locked_stays_when_more_is_added() -> None:
    lock("ada/net")
    first = read_lock(".")
    lock("--metric", "accuracy")
    second = read_lock(".")
    assert (second.code, second.python) == (first.code, first.python)
    assert second.digest != first.digest
    assert reprise_lock.write(second) == Path("reprise.lock").read_text()


def test_a_folder_cannot_be_locked(repo, capsys) -> None:
    assert lock(repo) == 1
    assert "has no commit to lock" in capsys.readouterr().err
    assert not Path("reprise.lock").exists()


@pytest.mark.usefixtures("repo")
def test_a_lock_that_names_a_folder_is_refused() -> None:
    lock("ada/net")
    path = Path("reprise.lock")
    path.write_text(path.read_text().replace('repo = "ada/net"', 'repo = "/tmp"'))
    with pytest.raises(InvalidInput, match="is a folder and no repo"):
        reprise.load("ada/net", "net", lock=".")
