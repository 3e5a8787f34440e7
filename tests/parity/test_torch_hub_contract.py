"""The rest of torch.hub's contract: hosts, caches, trust, imports, messages.

As in the other file, the same question goes to both. Where the answers differ, ours is the one
that a reader of torch.hub's documentation would expect, and the test says which it is.
"""

import os
import subprocess
import sys
from http.client import RemoteDisconnected
from pathlib import Path

import pytest

import reprise.hub as ours
from reprise.base.errors import (
    ConsentRequired,
    HubUnreachable,
    MissingDependencies,
    RepoNotFound,
)
from reprise.hub import consent
from tests.parity.conftest import at
from tests.scripted_files import ScriptedFiles
from tests.scripted_github import HANGS_UP

torch = pytest.importorskip("torch")

CODE = {"hubconf.py": b"def net():\n    'A net.'\n    return 'net'\n"}


@pytest.fixture
def repo(github) -> str:
    github.commit("ada/net", CODE)
    return "ada/net"


# what is listed


def test_the_list_of_public_names_in_the_file_decides_nothing(torch_hub, github) -> None:
    code = b"__all__ = ['net']\ndef net(): pass\ndef other(): pass\ndef _own(): pass\nX = 1\n"
    github.commit("ada/net", {"hubconf.py": code})
    assert torch_hub.list("ada/net", trust_repo=True) == ["net", "other"]
    assert ours.list(at(github, "ada/net"), classic=True) == ["net", "other"]
    assert ours.list(at(github, "ada/net")) == ["net", "other"]


def test_help_needs_the_packages_there_and_none_here(torch_hub, github) -> None:
    code = b"dependencies = ['not_there']\ndef net():\n    '''A net.\n\n    Raw.\n    '''\n"
    github.commit("ada/net", {"hubconf.py": code})
    with pytest.raises(RuntimeError, match="Missing dependencies: not_there"):
        torch_hub.help("ada/net", "net", trust_repo=True)
    assert ours.help(at(github, "ada/net"), "net") == "A net.\n\n    Raw.\n    "


# revisions


def test_an_empty_revision_is_the_default_branch(torch_hub, github, repo) -> None:
    assert torch_hub.load(f"{repo}:", "net", trust_repo=True) == "net"
    assert ours.load(at(github, f"{repo}:"), "net", trust_repo=True) == "net"


def test_two_branches_in_one_process_mix_there_and_not_here(torch_hub, github) -> None:
    for branch in ("one", "two"):
        inner = {"branch_kit/__init__.py": f"NAME = {branch!r}\n".encode()}
        code = b"from branch_kit import NAME\ndef net():\n    return NAME\n"
        github.commit("ada/net", {"hubconf.py": code} | inner)
        github.git("ada/net", "branch", branch)
    repos = ["ada/net:one", "ada/net:two"]
    try:
        theirs = [torch_hub.load(it, "net", trust_repo=True) for it in repos]
    finally:
        sys.modules.pop("branch_kit", None)
    assert theirs == ["one", "one"]
    assert [ours.load(at(github, it), "net", trust_repo=True) for it in repos] == ["one", "two"]


# hosts


def test_without_a_network_the_cached_branch_is_used(torch_hub, github, repo, caplog) -> None:
    torch_hub.load(repo, "net", trust_repo=True)
    ours.load(at(github, repo), "net", trust_repo=True)
    github.__exit__()  # nobody listens any more
    try:
        assert torch_hub.load(repo, "net") == "net"
        assert ours.load(at(github, repo), "net") == "net"
        assert "Using the cached commit" in caplog.text
        with pytest.raises(RuntimeError, match="no internet connection"):
            torch_hub.load("ada/other", "net", trust_repo=True)
        with pytest.raises(HubUnreachable, match="Cannot reach"):
            ours.load(at(github, "ada/other"), "net", trust_repo=True)
    finally:
        github.__enter__()


def test_a_host_that_hangs_up_defeats_the_cache_there_and_not_here(
    torch_hub, github, repo, caplog
) -> None:
    torch_hub.load(repo, "net", trust_repo=True)
    ours.load(at(github, repo), "net", trust_repo=True)
    github.statuses[""] = HANGS_UP
    with pytest.raises(RemoteDisconnected):
        torch_hub.load(repo, "net", trust_repo=True)
    assert ours.load(at(github, repo), "net") == "net"
    assert "Using the cached commit" in caplog.text


def test_a_token_reaches_private_archives_here_and_only_the_api_there(
    torch_hub, github, repo, monkeypatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    torch_hub.load(repo, "net", trust_repo=True)
    with_token = {
        line.split("/")[-2 if "zipball" in line else -1]
        for line, sent in zip(github.log, github.credentials, strict=True)
        if sent
    }
    assert with_token == {"branches"}
    github.log.clear()
    github.credentials.clear()
    monkeypatch.setenv("REPRISE_GITHUB", github.url)
    ours.load(repo, "net", source="github", trust_repo=True)
    assert (len(github.log), "" in github.credentials) == (3, False)


# caches


def test_the_folder_tells_host_and_commit_here_and_neither_there(
    torch_hub, github, repo, tmp_path, client_home
) -> None:
    torch_hub.load(repo, "net", trust_repo=True)
    ours.load(at(github, repo), "net", trust_repo=True)
    there = tmp_path / "torch-hub"
    assert sorted(path.name for path in there.iterdir()) == ["ada_net_main", "trusted_list"]
    assert (there / "trusted_list").read_text() == "ada_net\n"
    commit = github.git(repo, "rev-parse", "main").decode().strip()
    [hubconf] = [it for it in client_home.rglob("hubconf.py") if it.is_file()]
    assert hubconf.parent.name == commit
    assert hubconf.parent.parent.parts[-2:] == ("ada", "net")


def test_a_reload_with_force_leaves_the_copy_that_others_use(
    torch_hub, github, repo, tmp_path, client_home
) -> None:
    torch_hub.load(repo, "net", trust_repo=True)
    ours.load(at(github, repo), "net", trust_repo=True)
    theirs = tmp_path / "torch-hub" / "ada_net_main"
    [mine] = [it.parent for it in client_home.rglob("hubconf.py") if it.is_file()]
    github.commit(repo, {"more.py": b""})
    torch_hub.load(repo, "net", force_reload=True)
    ours.load(at(github, repo), "net", trust_repo=True, force_reload=True)
    assert (theirs / "more.py").exists()  # replaced, under the feet of whoever imports from it
    assert sorted(it.name for it in mine.iterdir()) == ["hubconf.py"]


def test_a_bit_for_programs_is_lost_there_and_kept_here(
    torch_hub, github, repo, client_home, tmp_path
) -> None:
    folder = github.root / repo
    (folder / "tool.sh").write_text("#!/bin/sh\n")
    (folder / "tool.sh").chmod(0o755)
    github.commit(repo, {})
    torch_hub.load(repo, "net", trust_repo=True)
    ours.load(at(github, repo), "net", trust_repo=True)
    [theirs], [mine] = (list(it.rglob("tool.sh")) for it in (tmp_path / "torch-hub", client_home))
    assert [bool(it.stat().st_mode & 0o100) for it in (theirs, mine)] == [False, True]


# trust


def test_false_asks_again_although_somebody_agreed(torch_hub, github, repo, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "n")
    torch_hub.load(repo, "net", trust_repo=True)
    with pytest.raises(Exception, match=r"Untrusted repository\."):
        torch_hub.load(repo, "net", trust_repo=False)
    ours.load(at(github, repo), "net", trust_repo=True)
    monkeypatch.setattr(consent, "ask_on_terminal", lambda text: asked.append(text) or "n\n")
    with pytest.raises(ConsentRequired, match="You did not agree"):
        ours.load(at(github, repo), "net", trust_repo=False)
    assert [len(asked), "ada_net does not belong" in asked[0], "ada/net at commit" in asked[1]] == [
        2, True, True]  # fmt: skip


@pytest.mark.parametrize("answer", ["y", "YES"])
def test_a_yes_runs_and_is_remembered(torch_hub, github, repo, monkeypatch, answer: str) -> None:
    monkeypatch.setattr("builtins.input", lambda _text: answer)
    monkeypatch.setattr(consent, "ask_on_terminal", lambda _text: f"{answer}\n")
    assert torch_hub.load(repo, "net") == ours.load(at(github, repo), "net") == "net"
    monkeypatch.undo()


def test_any_other_answer_is_an_error_there_and_a_no_here(
    torch_hub, github, repo, monkeypatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _text: "maybe")
    with pytest.raises(ValueError, match="Unrecognized response maybe"):
        torch_hub.load(repo, "net")
    monkeypatch.setattr(consent, "ask_on_terminal", lambda _text: "maybe\n")
    with pytest.raises(ConsentRequired, match="You did not agree"):
        ours.load(at(github, repo), "net")


def test_some_owners_are_trusted_unasked_there_and_nobody_here(torch_hub, github) -> None:
    github.commit("facebookresearch/net", CODE)
    assert torch_hub.load("facebookresearch/net", "net") == "net"
    with pytest.raises(ConsentRequired):
        ours.load(at(github, "facebookresearch/net"), "net")


def test_what_does_not_exist_is_trusted_there_and_not_here(
    torch_hub, github, tmp_path, client_home
) -> None:
    with pytest.raises(KeyError):
        torch_hub.load("ada/later", "net", trust_repo=True)
    assert (tmp_path / "torch-hub" / "trusted_list").read_text() == "ada_later\n"
    with pytest.raises(RepoNotFound):
        ours.load(at(github, "ada/later"), "net", trust_repo=True)
    assert not (client_home / "trust.json").exists()


def test_one_users_yes_counts_for_all_who_share_the_cache_there_and_not_here(
    torch_hub, github, repo, monkeypatch, tmp_path
) -> None:
    torch_hub.load(repo, "net", trust_repo=True)
    ours.load(at(github, repo), "net", trust_repo=True)
    monkeypatch.setenv("REPRISE_TRUST_FILE", str(tmp_path / "somebody-else.json"))
    assert torch_hub.load(repo, "net") == "net"
    with pytest.raises(ConsentRequired):
        ours.load(at(github, repo), "net")


# what code needs and imports


def test_an_undeclared_package_is_a_bare_name_there_and_a_command_here(torch_hub, github) -> None:
    code = b"import skimage_of_nobody\ndependencies = []\ndef net(): pass\n"
    github.commit("ada/net", {"hubconf.py": code})
    with pytest.raises(ModuleNotFoundError, match="No module named 'skimage_of_nobody'"):
        torch_hub.load("ada/net", "net", trust_repo=True)
    assert ours.list(at(github, "ada/net")) == ["net"]
    with pytest.raises(MissingDependencies, match="skimage_of_nobody") as caught:
        ours.load(at(github, "ada/net"), "net", trust_repo=True)
    assert "pip install" in caught.value.hint


LEAKY = b"""
import sys
import leaky_kit
sys.path.append("/added/by/the/repo")
FIRST = sys.path[0]

def net():
    return __name__, FIRST, sys.path[0]
"""


def test_code_sees_its_folder_first_and_leaves_nothing_behind_here(torch_hub, github) -> None:
    github.commit("ada/net", {"hubconf.py": LEAKY, "leaky_kit.py": b""})
    folder, before = str(github.root / "ada/net"), list(sys.path)
    name, *seen = ours.load(folder, "net", source="local")
    assert (name.startswith("reprise.hub.namespace.repos."), seen) == (True, [folder, folder])
    assert (sys.path, "leaky_kit" in sys.modules) == (before, False)
    try:
        assert torch_hub.load(folder, "net", source="local") == ("hubconf.py", folder, folder)
        assert sys.path == [*before, "/added/by/the/repo"]
        assert ("leaky_kit" in sys.modules, "hubconf.py" in sys.modules) == (True, False)
    finally:
        sys.path[:] = before
        sys.modules.pop("leaky_kit", None)


PICKLED = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
import {module} as hub
print(len(pickle.dumps(hub.load(sys.argv[2], "Net", source="local"))) > 0)
"""


def test_what_a_repo_makes_cannot_be_pickled_there_and_can_here(github) -> None:
    github.commit("ada/net", {"hubconf.py": b"class Net:\n    pass\n"})
    folder, root = str(github.root / "ada/net"), str(Path(__file__).parents[2])
    theirs, here = (
        subprocess.run(
            [sys.executable, "-c", PICKLED.format(module=module), root, folder],
            capture_output=True, text=True, check=False, env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )
        for module in ("torch.hub", "reprise.hub")
    )  # fmt: skip
    assert "import of module 'hubconf.py' failed" in theirs.stderr
    assert here.stdout == "True\n"


# messages


def test_the_cache_is_named_on_stderr_there_and_in_the_log_here(
    torch_hub, github, repo, capsys, caplog
) -> None:
    for _ in range(2):
        torch_hub.load(repo, "net", trust_repo=True)
        told = capsys.readouterr()
    assert told == ("", f"Using cache found in {torch_hub.get_dir()}/ada_net_main\n")
    with caplog.at_level("INFO", logger="reprise"):
        ours.load(at(github, repo), "net", trust_repo=True)
        assert "ada/net is commit " in caplog.text
        caplog.clear()
        ours.load(at(github, repo), "net", trust_repo=True, verbose=False)
    assert (caplog.text, capsys.readouterr()) == ("", ("", ""))


# folders and files


def test_old_variables_are_warned_about_there_and_mean_nothing_in_both(
    torch_hub, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch_hub, "_hub_dir", None)
    monkeypatch.setattr("reprise.hub.settings._chosen", [])
    monkeypatch.setenv("TORCH_HUB", str(tmp_path / "old"))
    monkeypatch.setenv("TORCH_MODEL_ZOO", str(tmp_path / "older"))
    with pytest.warns(UserWarning, match="TORCH_HUB is deprecated"):
        theirs = torch_hub.get_dir()
    assert theirs == ours.get_dir() == str(tmp_path / "home" / "hub")


def test_weights_get_the_name_that_is_asked_for(torch_hub, client_home, tmp_path) -> None:
    del client_home
    torch.save({"w": torch.ones(2)}, tmp_path / "net.pth")
    with ScriptedFiles({"/download": (tmp_path / "net.pth").read_bytes()}) as files:
        for name, hub in (("theirs", torch_hub), ("ours", ours)):
            found = hub.load_state_dict_from_url(
                f"{files.url}/download?id=7", model_dir=str(tmp_path / name),
                file_name="net.pth", progress=False, weights_only=True,
            )  # fmt: skip
            assert torch.equal(found["w"], torch.ones(2))
            kept = [it.name for it in (tmp_path / name).iterdir() if not it.name.startswith(".")]
            assert kept == ["net.pth"]
