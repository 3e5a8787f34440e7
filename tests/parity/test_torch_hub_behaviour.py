"""torch.hub's contract, line by line: the same question to torch.hub and to `reprise.hub`."""

import inspect
import io
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

import reprise.hub as ours
from reprise.base.errors import (
    ConsentRequired,
    CorruptContent,
    EntryNotFound,
    InvalidFormat,
    InvalidInput,
    MissingDependencies,
    RevisionNotFound,
)
from tests.parity.conftest import at
from tests.scripted_files import ScriptedFiles

torch = pytest.importorskip("torch")

CODE = b'''
from pathlib import Path
from lib.nets import Net, helper

dependencies = ["json"]
LIMIT = 3

def net(*args, **kwargs):
    """Make a net.

    And say with what.
    """
    return args, kwargs

def _hidden():
    pass

def silent():
    return 1
'''
REPO = {"hubconf.py": CODE, "lib/nets.py": b"class Net:\n    'A net.'\ndef helper(): pass\n"}
# Keyword-only, behind torch.hub's own.
OURS_ONLY = {"list": {"classic", "source", "sandbox"}, "help": {"classic", "source", "sandbox"},
             "load": {"isolated"}}  # fmt: skip


@pytest.fixture
def repo(github) -> str:
    github.commit("ada/net", REPO)
    return "ada/net"


def parameters(function) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


# the surface


def test_all_seven_functions_are_here(torch_hub) -> None:
    assert set(torch_hub.__all__) <= set(ours.__all__)
    assert {name for name in torch_hub.__all__ if not callable(getattr(ours, name))} == set()


@pytest.mark.parametrize(
    "name", ["list", "help", "load", "set_dir", "get_dir", "download_url_to_file"]
)
def test_names_order_kinds_and_defaults_of_arguments_are_equal(torch_hub, name: str) -> None:
    theirs, here = parameters(getattr(torch_hub, name)), parameters(getattr(ours, name))
    assert [one for one in here if one[0] not in OURS_ONLY.get(name, ())] == theirs


def test_weights_are_loaded_by_the_same_arguments_but_without_pickles(torch_hub) -> None:
    theirs = parameters(torch_hub.load_state_dict_from_url)
    here = parameters(ours.load_state_dict_from_url)
    assert here[:-1] == theirs[:-1]
    assert (theirs[-1][0], theirs[-1][2]) == ("weights_only", False)
    assert (here[-1][0], here[-1][2]) == ("weights_only", True)


# list, help, load


def test_classic_lists_what_torch_hub_lists_and_plain_what_is_meant(
    torch_hub, github, repo
) -> None:
    theirs = torch_hub.list(repo, trust_repo=True)
    assert theirs == ["Net", "Path", "helper", "net", "silent"]
    assert ours.list(at(github, repo), classic=True) == theirs
    assert set(ours.list(at(github, repo))) == {"Net", "helper", "net", "silent"}


@pytest.mark.parametrize("name", ["net", "silent", "Net", "helper"])
def test_help_returns_the_same_docstring(torch_hub, github, repo, name: str) -> None:
    theirs = torch_hub.help(repo, name, trust_repo=True)
    assert ours.help(at(github, repo), name) == theirs
    assert ours.help(at(github, repo), name, classic=True) == theirs


def test_classic_says_what_only_running_the_code_would_tell(github, caplog) -> None:
    code = b"for name in open(__file__).readline().split():\n    globals()[name] = print\n"
    github.commit("ada/loop", {"hubconf.py": code})
    ours.list(at(github, "ada/loop"), classic=True)
    assert "would tell its names for certain (dynamic-names" in caplog.text


def test_load_passes_arguments_on(torch_hub, github, repo) -> None:
    wanted = ((1, "a"), {"b": 2, "offline": 3, "token": 4, "endpoint": 5})
    given = {"b": 2, "offline": 3, "token": 4, "endpoint": 5}
    assert torch_hub.load(repo, "net", 1, "a", trust_repo=True, **given) == wanted
    assert ours.load(at(github, repo), "net", 1, "a", trust_repo=True, **given) == wanted


def test_arguments_named_like_loads_own_are_swallowed_but_can_be_reached(
    torch_hub, github, repo
) -> None:
    swallowed = {"verbose": False, "source": "github", "skip_validation": True}
    assert torch_hub.load(repo, "net", trust_repo=True, **swallowed) == ((), {})
    assert ours.load(at(github, repo), "net", trust_repo=True, **swallowed) == ((), {})
    entry = ours.entry_point(at(github, repo), "net", source="github", trust_repo=True)
    assert entry(**swallowed) == ((), swallowed)


def test_keyword_names_are_torch_hubs(torch_hub, github, repo) -> None:
    folder = str(github.root / repo)
    named = {"model": "silent", "source": "local"}
    assert torch_hub.load(repo_or_dir=folder, **named) == 1
    assert ours.load(repo_or_dir=folder, **named) == 1
    assert ours.list(github=at(github, repo), force_reload=True, verbose=False)
    assert ours.help(github=at(github, repo), model="silent") is None


@pytest.mark.parametrize("source", ["local", "LOCAL", "Local"])
def test_a_local_folder_is_not_asked_about(torch_hub, github, repo, source: str) -> None:
    folder = str(github.root / repo)
    assert torch_hub.load(folder, "silent", source=source) == 1
    assert ours.load(folder, "silent", source=source) == 1


def test_an_unknown_source_is_an_error(torch_hub) -> None:
    with pytest.raises(ValueError, match="Unknown source"):
        torch_hub.load("a/b", "net", source="gitlab")
    with pytest.raises(InvalidInput, match="Unknown source"):
        ours.load("a/b", "net", source="gitlab")


@pytest.mark.parametrize("name", ["missing", "LIMIT", 3])
def test_what_is_no_entry_point_is_an_error(torch_hub, github, repo, name) -> None:
    with pytest.raises((RuntimeError, ValueError), match=r"Cannot find callable|Invalid input"):
        torch_hub.load(repo, name, trust_repo=True)
    with pytest.raises((EntryNotFound, InvalidInput)):
        ours.load(at(github, repo), name, trust_repo=True)


def test_missing_dependencies_are_named(torch_hub, github) -> None:
    code = b"dependencies = ['not_there', 'nor_this', 'json']\ndef net():\n    pass\n"
    github.commit("ada/needs", {"hubconf.py": code})
    with pytest.raises(RuntimeError, match="Missing dependencies: not_there, nor_this"):
        torch_hub.load("ada/needs", "net", trust_repo=True)
    with pytest.raises(MissingDependencies, match="nor_this, not_there"):
        ours.load(at(github, "ada/needs"), "net", trust_repo=True)


# repos and revisions


@pytest.mark.parametrize("text", ["net", "a/b/c", "a/b:c:d", "a b/c:"])
def test_the_grammar_refuses_the_same(torch_hub, text: str) -> None:
    with pytest.raises(Exception, match=r"unpack|HTTP|URL|URI"):
        torch_hub.list(text, trust_repo=True)
    with pytest.raises(InvalidInput):
        ours.list(text)


@pytest.mark.parametrize("branch", ["main", "master"])
def test_the_default_branch_is_found(torch_hub, github, branch: str) -> None:
    github.commit("ada/net", REPO, branch=branch)
    assert torch_hub.load("ada/net", "silent", trust_repo=True) == 1
    assert ours.load(at(github, "ada/net"), "silent", trust_repo=True) == 1


@pytest.mark.parametrize("kind", ["branch", "tag", "slash", "short", "full", "long"])
def test_every_kind_of_revision_means_the_same(torch_hub, github, kind: str) -> None:
    commit = github.commit("ada/net", REPO)
    github.git("ada/net", "branch", "old")
    github.git("ada/net", "branch", "feature/x")
    github.git("ada/net", "tag", "-a", "v1", "-m", "one")
    github.commit("ada/net", {"hubconf.py": b"def silent(): return 2\n"})
    names = {"branch": "old", "tag": "v1", "slash": "feature/x", "short": commit[:8],
             "full": commit, "long": commit[:30]}  # fmt: skip
    repo = f"ada/net:{names[kind]}"
    assert torch_hub.load(repo, "silent", trust_repo=True) == 1
    assert ours.load(at(github, repo), "silent", trust_repo=True) == 1


def test_a_commit_of_a_fork_is_refused_unless_validation_is_skipped(
    torch_hub, github, repo
) -> None:
    github.git(repo, "checkout", "-q", "--detach")
    fork = github.commit(repo, {"hubconf.py": b"def silent(): return 'fork'\n"})
    github.git(repo, "checkout", "-q", "main")
    with pytest.raises(ValueError, match="Cannot find"):
        torch_hub.load(f"{repo}:{fork}", "silent", trust_repo=True)
    with pytest.raises(RevisionNotFound, match="may be a fork's"):
        ours.load(at(github, f"{repo}:{fork}"), "silent", trust_repo=True)
    skip = {"skip_validation": True, "trust_repo": True}
    assert torch_hub.load(f"{repo}:{fork}", "silent", **skip) == "fork"
    assert ours.load(at(github, f"{repo}:{fork}"), "silent", **skip) == "fork"


def test_a_reload_sees_what_changed(torch_hub, github, repo) -> None:
    torch_hub.load(repo, "silent", trust_repo=True)
    ours.load(at(github, repo), "silent", trust_repo=True)
    github.commit(repo, {"hubconf.py": b"def silent(): return 2\n"})
    again = {"trust_repo": True, "force_reload": True}
    assert torch_hub.load(repo, "silent", **again) == 2
    assert ours.load(at(github, repo), "silent", **again) == 2


@pytest.mark.parametrize(("text", "theirs"), [("", [3, 1]), (":main", [2, 0]), (":v1", [4, 0])])
def test_loads_take_the_requests_that_are_documented(
    torch_hub, github, repo, text: str, theirs: list[int]
) -> None:
    github.git(repo, "tag", "v1")
    counts: dict[str, list[int]] = {"theirs": [], "ours": []}
    for _ in range(2):
        github.log.clear()
        torch_hub.list(f"{repo}{text}", trust_repo=True)
        counts["theirs"].append(len(github.log))
        github.log.clear()
        ours.list(at(github, f"{repo}{text}"))
        counts["ours"].append(len(github.log))
    # One of ours is for freshness: torch.hub never looks at a named branch again.
    assert counts == {"theirs": theirs, "ours": [3, 1]}


# consent


@pytest.mark.parametrize("answer", ["", "n", "no"])
def test_no_means_no(torch_hub, github, repo, monkeypatch, answer: str) -> None:
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)
    with pytest.raises(Exception, match="Untrusted repository"):
        torch_hub.load(repo, "silent")
    with pytest.raises(ConsentRequired):
        ours.load(at(github, repo), "silent")


def test_consent_is_remembered(torch_hub, github, repo) -> None:
    assert torch_hub.load(repo, "silent", trust_repo=True) == 1
    assert torch_hub.load(repo, "silent") == 1
    assert ours.load(at(github, repo), "silent", trust_repo=True) == 1
    assert ours.load(at(github, repo), "silent") == 1


# folders


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", None])
def test_the_folder_is_chosen_alike(torch_hub, monkeypatch, tmp_path, variable) -> None:
    from reprise.hub import settings

    monkeypatch.setattr(torch_hub, "_hub_dir", None)
    monkeypatch.setattr(settings, "_chosen", [])
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "x"))
    assert ours.get_dir() == torch_hub.get_dir()
    torch_hub.set_dir("~/chosen")
    ours.set_dir(d="~/chosen")
    assert ours.get_dir() == torch_hub.get_dir()
    monkeypatch.setenv("TORCH_HOME", "/elsewhere")
    assert ours.get_dir() == torch_hub.get_dir()


# files


@pytest.fixture
def files(client_home: Path):
    assert not client_home.exists()
    with ScriptedFiles() as server:
        yield server


def saved(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


WEIGHTS = {"w": torch.arange(6.0).reshape(2, 3)}


def test_a_file_is_downloaded_alike(torch_hub, files, tmp_path) -> None:
    files.files["/x.bin"] = b"some bytes"
    digest = sha256(b"some bytes").hexdigest()
    for name, hub in (("theirs", torch_hub), ("ours", ours)):
        hub.download_url_to_file(f"{files.url}/x.bin", str(tmp_path / name), digest[:8], False)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes() == b"some bytes"


def test_a_wrong_hash_leaves_nothing(torch_hub, files, tmp_path) -> None:
    files.files["/x.bin"] = b"some bytes"
    with pytest.raises(RuntimeError, match="invalid hash value"):
        torch_hub.download_url_to_file(f"{files.url}/x.bin", str(tmp_path / "x"), "0" * 8)
    with pytest.raises(CorruptContent, match="expected 00000000…, got"):
        ours.download_url_to_file(f"{files.url}/x.bin", str(tmp_path / "x"), "0" * 8)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before-1.6"])
def test_weights_load_alike_and_only_once(torch_hub, files, tmp_path, old: bool) -> None:
    data = saved(WEIGHTS, _use_new_zipfile_serialization=not old)
    name = f"/net-{sha256(data).hexdigest()[:8]}.pth"
    files.files[name] = data
    for folder, hub in (("theirs", torch_hub), ("ours", ours)):
        for _ in range(2):
            found = hub.load_state_dict_from_url(
                files.url + name, model_dir=str(tmp_path / folder), map_location="cpu",
                progress=False, check_hash=True,
            )  # fmt: skip
            assert torch.equal(found["w"], WEIGHTS["w"])
    assert [method for method, _, _ in files.log] == ["GET", "GET"]


@pytest.mark.filterwarnings("ignore:Falling back to the old format:FutureWarning")
def test_a_checkpoint_zipped_by_hand_is_unpacked(torch_hub, files) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.pth", saved(WEIGHTS, _use_new_zipfile_serialization=False))
    files.files["/net.zip"] = buffer.getvalue()
    for hub in (torch_hub, ours):
        found = hub.load_state_dict_from_url(f"{files.url}/net.zip", progress=False)
        assert torch.equal(found["w"], WEIGHTS["w"])


def test_pickles_load_when_asked_for(torch_hub, files) -> None:
    files.files["/any.pth"] = saved({"path": Path("x")})
    url = f"{files.url}/any.pth"
    assert torch_hub.load_state_dict_from_url(url, progress=False) == {"path": Path("x")}
    with pytest.raises(InvalidFormat, match="pass weights_only=False"):
        ours.load_state_dict_from_url(url)
    assert ours.load_state_dict_from_url(url, weights_only=False) == {"path": Path("x")}


def test_what_torch_hub_downloaded_is_used(torch_hub, files, client_home) -> None:
    data = saved(WEIGHTS)
    name = f"/net-{sha256(data).hexdigest()[:8]}.pth"
    files.files[name] = data
    folder = client_home / "snapshots" / "checkpoints"
    torch_hub.load_state_dict_from_url(files.url + name, model_dir=str(folder), progress=False)
    files.log.clear()
    assert torch.equal(ours.load_state_dict_from_url(files.url + name)["w"], WEIGHTS["w"])
    assert files.log == []


def test_nothing_is_printed(torch_hub, files, github, repo, capsys) -> None:
    files.files["/net.pth"] = saved(WEIGHTS)
    torch_hub.load(repo, "silent", trust_repo=True, verbose=False)
    torch_hub.load_state_dict_from_url(f"{files.url}/net.pth", progress=False)
    assert capsys.readouterr().out.count("Downloading:") == 2
    ours.load(at(github, repo), "silent", trust_repo=True, verbose=False)
    ours.load_state_dict_from_url(f"{files.url}/net.pth")
    assert capsys.readouterr() == ("", "")
    assert "hubconf.py" not in sys.modules
