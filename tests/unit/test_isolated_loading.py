"""Repos that nobody vouched for, or whose packages clash, run side by side without harm."""

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import reprise
from reprise import hub
from reprise.base.errors import (
    ConsentRequired,
    EntryNotFound,
    IncompatibleDependencies,
    InvalidInput,
    RemoteFailure,
)
from reprise.formats import pylock
from reprise.hub import Isolation
from reprise.isolate.limits import Level
from reprise.isolate.requirements import Sources
from tests.sandboxes import skip_unless_available
from tests.scripted_hub import ScriptedHub
from tests.wheelhouse import lock_of, make_wheel

HUBCONF = """
import os, socket
dependencies = ["base"]
import base

def version():
    return base.version

def environment():
    return sorted(os.environ)

def connect(port):
    socket.create_connection(("127.0.0.1", port), 5)

def write(path):
    open(path, "w")

def tell(text):
    return text + os.getcwd()
"""


@pytest.fixture
def isolation(tmp_path: Path) -> Isolation:
    skip_unless_available(Level.RULES)
    shelf = tmp_path / "shelf"
    make_wheel(shelf, "base", "1.0")
    make_wheel(shelf, "base", "2.0")
    sources = Sources(find_links=(shelf,), offline=True)
    return Isolation(sources=sources, root=tmp_path / "environments")


def commit(hub: ScriptedHub, name: str, requirements: str) -> None:
    files = {"hubconf.py": HUBCONF.encode(), "requirements.txt": requirements.encode()}
    hub.commit(name, files)


def test_clashing_repos_run_side_by_side(scripted: ScriptedHub, isolation: Isolation) -> None:
    commit(scripted, "ada/old", "base==1.0\n")
    commit(scripted, "bob/new", "base==2.0\n")
    assert reprise.load("ada/old", "version", isolated=isolation) == "1.0"
    assert reprise.load("bob/new", "version", isolated=isolation) == "2.0"
    assert reprise.load("ada/old", "version", isolated=isolation) == "1.0"
    assert "base" not in sys.modules


def test_requirements_that_clash_within_a_repo_are_explained(
    scripted: ScriptedHub, isolation: Isolation
) -> None:
    commit(scripted, "ada/net", "base==3.0\n")
    with pytest.raises(IncompatibleDependencies, match="base==3"):
        reprise.load("ada/net", "version", isolated=isolation)


def test_a_lock_in_the_repo_decides(
    scripted: ScriptedHub, isolation: Isolation, tmp_path: Path
) -> None:
    lock = pylock.write(lock_of(tmp_path / "shelf" / "base-1.0-py3-none-any.whl"))
    files = {"hubconf.py": HUBCONF.encode(), "pylock.toml": lock.encode()}
    scripted.commit("ada/net", files)
    assert reprise.load("ada/net", "version", isolated=isolation) == "1.0"
    asked = replace(isolation, requirements=("base==2.0",))
    assert reprise.load("ada/net", "version", isolated=asked) == "2.0"


def test_constraints_choose_among_versions(scripted: ScriptedHub, isolation: Isolation) -> None:
    commit(scripted, "ada/net", "")
    limited = replace(isolation, constraints=("base<2",))
    assert reprise.load("ada/net", "version", isolated=limited) == "1.0"
    assert reprise.load("ada/net", "version", isolated=isolation) == "2.0"


def test_no_consent_is_needed_without_trust(scripted: ScriptedHub, isolation: Isolation) -> None:
    commit(scripted, "ada/net", "base\n")
    with pytest.raises(ConsentRequired):
        reprise.load("ada/net", "version", isolated=replace(isolation, trusted=True))
    assert reprise.load("ada/net", "version", isolated=isolation) == "2.0"


def test_untrusted_code_sees_no_secrets_and_reaches_nothing(
    scripted: ScriptedHub, isolation: Isolation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    commit(scripted, "ada/net", "base\n")
    seen = reprise.load("ada/net", "environment", isolated=isolation)
    assert set(seen) <= {
        "HOME", "LANG", "LC_CTYPE", "LOGNAME", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE", "TMPDIR",
        "TORCH_HOME", "USER",
    }  # fmt: skip
    port = int(scripted.url.rpartition(":")[2])
    with pytest.raises(RemoteFailure, match="Error: "):
        reprise.load("ada/net", "connect", port, isolated=isolation)
    with contextlib.suppress(RemoteFailure):  # its own /tmp may be writable
        reprise.load("ada/net", "write", str(tmp_path / "file"), isolated=isolation)
    assert not (tmp_path / "file").exists()


def test_trusted_code_runs_where_the_caller_is(
    isolation: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF)
    trusted = replace(isolation, trusted=True)
    assert reprise.load(str(folder), "tell", "in ", isolated=trusted) == f"in {tmp_path}"
    assert "HF_TOKEN" in reprise.load(str(folder), "environment", isolated=trusted)


def test_an_unknown_entry_point_costs_no_environment(
    scripted: ScriptedHub, isolation: Isolation
) -> None:
    commit(scripted, "ada/net", "base\n")
    with pytest.raises(EntryNotFound, match="no entry point 'versio'"):
        reprise.load("ada/net", "versio", isolated=isolation)
    assert isolation.root is not None
    assert not isolation.root.exists()


def test_isolated_is_never_an_argument_of_the_entry_point(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("def net(isolated=None, n=1):\n    return isolated, n\n")
    for value in (None, 1, "yes"):
        with pytest.raises(InvalidInput, match="isolated must be True, False or an Isolation"):
            reprise.load(str(tmp_path), "net", isolated=value)
        with pytest.raises(InvalidInput, match="isolated must be True, False or an Isolation"):
            hub.load(str(tmp_path), "net", source="local", isolated=value)
    assert reprise.load(str(tmp_path), "net", isolated=False) == (None, 1)
    assert hub.entry_point(str(tmp_path), "net")(isolated="mine") == ("mine", 1)


def test_hub_load_isolates_too_and_other_names_reach_the_entry_point(tmp_path: Path) -> None:
    skip_unless_available(Level.RULES)
    (tmp_path / "hubconf.py").write_text(
        "import os\ndef net(token=None, **more):\n    return token, more, os.getpid()\n"
    )
    wanted = Isolation(environment=Path(sys.executable))
    found = hub.load(str(tmp_path), "net", source="local", isolated=wanted, token="t", n=1)
    assert found[:2] == ("t", {"n": 1})
    assert found[2] != os.getpid()


def test_agreeing_neither_lifts_the_confinement_nor_is_remembered(
    scripted: ScriptedHub, isolation: Isolation
) -> None:
    commit(scripted, "ada/net", "base\n")
    seen = reprise.load("ada/net", "environment", trust_repo=True, isolated=isolation)
    assert "TORCH_HOME" in seen
    assert "HOSTNAME" not in seen
    with pytest.raises(ConsentRequired):
        reprise.load("ada/net", "version")


def test_trusted_code_runs_once_somebody_agreed(
    scripted: ScriptedHub, isolation: Isolation
) -> None:
    commit(scripted, "ada/net", "base\n")
    trusted = replace(isolation, trusted=True)
    assert reprise.load("ada/net", "version", trust_repo=True, isolated=trusted) == "2.0"
    assert reprise.load("ada/net", "version", isolated=trusted) == "2.0"
