"""Repos that nobody vouched for, or whose packages clash, run side by side without harm."""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reprise.base.errors import (
    ConsentRequired,
    EntryNotFound,
    IncompatibleDependencies,
    RemoteFailure,
)
from reprise.hub.isolated import Isolation, load_isolated
from reprise.isolate.limits import Level
from reprise.isolate.requirements import Sources
from tests.sandboxes import skip_unless_available
from tests.scripted_hub import ScriptedHub
from tests.wheelhouse import make_wheel

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
    assert load_isolated("ada/old", "version", isolation=isolation) == "1.0"
    assert load_isolated("bob/new", "version", isolation=isolation) == "2.0"
    assert load_isolated("ada/old", "version", isolation=isolation) == "1.0"
    assert "base" not in sys.modules


def test_requirements_that_clash_within_a_repo_are_explained(
    scripted: ScriptedHub, isolation: Isolation
) -> None:
    commit(scripted, "ada/net", "base==3.0\n")
    with pytest.raises(IncompatibleDependencies, match="base==3"):
        load_isolated("ada/net", "version", isolation=isolation)


def test_constraints_choose_among_versions(scripted: ScriptedHub, isolation: Isolation) -> None:
    commit(scripted, "ada/net", "")
    limited = replace(isolation, constraints=("base<2",))
    assert load_isolated("ada/net", "version", isolation=limited) == "1.0"
    assert load_isolated("ada/net", "version", isolation=isolation) == "2.0"


def test_no_consent_is_needed_without_trust(scripted: ScriptedHub, isolation: Isolation) -> None:
    commit(scripted, "ada/net", "base\n")
    with pytest.raises(ConsentRequired):
        load_isolated("ada/net", "version", isolation=replace(isolation, trusted=True))
    assert load_isolated("ada/net", "version", isolation=isolation) == "2.0"


def test_untrusted_code_sees_no_secrets_and_reaches_nothing(
    scripted: ScriptedHub, isolation: Isolation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    commit(scripted, "ada/net", "base\n")
    seen = load_isolated("ada/net", "environment", isolation=isolation)
    assert set(seen) <= {
        "HOME", "LANG", "LC_CTYPE", "LOGNAME", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE", "TMPDIR",
        "TORCH_HOME", "USER",
    }  # fmt: skip
    port = int(scripted.url.rpartition(":")[2])
    with pytest.raises(RemoteFailure, match="Error: "):
        load_isolated("ada/net", "connect", port, isolation=isolation)
    with contextlib.suppress(RemoteFailure):  # its own /tmp may be writable
        load_isolated("ada/net", "write", str(tmp_path / "file"), isolation=isolation)
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
    assert load_isolated(str(folder), "tell", "in ", isolation=trusted) == f"in {tmp_path}"
    assert "HF_TOKEN" in load_isolated(str(folder), "environment", isolation=trusted)


def test_an_unknown_entry_point_costs_no_environment(
    scripted: ScriptedHub, isolation: Isolation
) -> None:
    commit(scripted, "ada/net", "base\n")
    with pytest.raises(EntryNotFound, match="no entry point 'versio'"):
        load_isolated("ada/net", "versio", isolation=isolation)
    assert isolation.root is not None
    assert not isolation.root.exists()
