"""Where torch.hub fails, and we do not: each test shows both, on the same input.

A test that stops passing because torch.hub became better is good news: delete its first half.
"""

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path
from urllib.error import HTTPError

import pytest

import reprise.hub as ours
from reprise.base.errors import (
    ConsentRequired,
    CorruptContent,
    HubUnreachable,
    InvalidFormat,
    InvalidId,
    InvalidInput,
    RepoNotFound,
    TooManyRequests,
)
from reprise.hub import url_transfer
from tests.parity.conftest import at
from tests.scripted_files import ScriptedFiles

torch = pytest.importorskip("torch")

CODE = {"hubconf.py": b"def net():\n    return 'net'\n"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(client_home: Path, monkeypatch: pytest.MonkeyPatch):
    assert not client_home.exists()
    quick = url_transfer.Patience(attempts=3, first_wait=0, longest_wait=0)
    monkeypatch.setattr(url_transfer, "PATIENCE", quick)
    with ScriptedFiles() as server:
        yield server


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def says(text: object) -> dict[str, bytes]:
    return {"hubconf.py": f"def net():\n    return {text!r}\n".encode()}


# 1: listing runs code; trust is for a name, for ever


def test_listing_runs_code_there_and_not_here(torch_hub, github, tmp_path) -> None:
    mark = tmp_path / "mark"
    code = f"import os\nos.mkdir({str(mark)!r})\ndef net(): 'Doc.'\n"
    github.commit("ada/net", {"hubconf.py": code.encode()})
    assert ours.list(at(github, "ada/net")) == ["net"]
    assert ours.help(at(github, "ada/net"), "net") == "Doc."
    assert not mark.exists()
    assert torch_hub.list("ada/net", trust_repo=True) == ["net"]
    assert mark.exists()


def test_trust_in_one_commit_covers_all_later_ones_there_and_not_here(torch_hub, github) -> None:
    github.commit("ada/net", says("good"))
    torch_hub.load("ada/net", "net", trust_repo=True)
    ours.load(at(github, "ada/net"), "net", trust_repo=True)
    github.commit("ada/net", says("evil"))
    assert torch_hub.load("ada/net", "net", force_reload=True) == "evil"
    with pytest.raises(ConsentRequired):
        ours.load(at(github, "ada/net"), "net")


@pytest.mark.parametrize("value", [None, 0, "no", "False"])
def test_a_trust_value_that_means_nothing_trusts_there_and_not_here(
    torch_hub, github, value
) -> None:
    github.commit("ada/net", CODE)
    assert torch_hub.load("ada/net", "net", trust_repo=value) == "net"
    with pytest.raises(InvalidInput, match="trust_repo must be"):
        ours.load(at(github, "ada/net"), "net", trust_repo=value)


# 18: a prompt without a terminal


def test_without_a_terminal_there_is_an_eof_there_and_a_sentence_here(
    torch_hub, github, monkeypatch
) -> None:
    github.commit("ada/net", CODE)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(EOFError):
        torch_hub.load("ada/net", "net")
    with pytest.raises(ConsentRequired, match="pass trust_repo=True"):
        ours.load(at(github, "ada/net"), "net")


# 2: stale and unpinnable


def test_a_branch_stays_old_there_and_not_here(torch_hub, github) -> None:
    github.commit("ada/net", says(1))
    torch_hub.load("ada/net", "net", trust_repo=True)
    github.commit("ada/net", says(2))
    assert torch_hub.load("ada/net", "net", trust_repo=True) == 1
    assert ours.load(at(github, "ada/net"), "net", trust_repo=True) == 2


def test_an_old_commit_cannot_be_pinned_there_and_can_here(torch_hub, github) -> None:
    old = github.commit("ada/net", says(1))
    github.commit("ada/net", says(2))
    with pytest.raises(ValueError, match="Cannot find"):
        torch_hub.load(f"ada/net:{old}", "net", trust_repo=True)
    assert ours.load(at(github, f"ada/net@{old}"), "net", trust_repo=True) == 1


def test_a_default_branch_of_another_name_fails_there_and_not_here(torch_hub, github) -> None:
    github.commit("ada/net", CODE, branch="trunk")
    with pytest.raises((ValueError, HTTPError)):
        torch_hub.load("ada/net", "net", trust_repo=True)
    assert ours.load(at(github, "ada/net"), "net", trust_repo=True) == "net"


# 3: races

RACE = """
import json, sys
sys.path.insert(0, sys.argv[1])
kind, url, orders = sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
if kind == "torch":
    import torch.hub as hub
    from tests.parity.torch_opener import install
    install(url)
    start, extra = "", {}
else:
    import reprise.hub as hub
    start, extra = url.removeprefix("http://") + ":", {}
for repo in orders:
    try:
        found = hub.load(start + repo, "net", trust_repo=True, force_reload=True, verbose=False)
    except Exception as error:
        found = f"error: {error!r}"
    print(json.dumps([repo.partition(":")[0], found]), file=sys.stderr)
"""


def race(kind: str, host, home: Path, *, repos: int = 6, processes: int = 6) -> Counter[str]:
    """Processes reload repos of one branch name, eight times each; count what they got."""
    names, reloads = [f"ada/net{number}" for number in range(repos)], 8
    for repo in names:
        padding = {f"lib/{n}.py": b"# %d\n" % n for n in range(20)}
        if not (host.root / repo).exists():
            host.commit(repo, says(repo) | padding)
    env = os.environ | {
        "TORCH_HOME": str(home), "REPRISE_TRUST_FILE": str(home / "trust.json"),
        "HF_HOME": str(home / "hf"), "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(ROOT), kind, host.url,
             json.dumps([f"{names[number % repos]}:main"] * reloads)],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=env,
        )
        for number in range(processes)
    ]  # fmt: skip
    outcomes: Counter[str] = Counter()
    for process in started:
        err = process.communicate(timeout=110)[1]
        answers = [json.loads(line) for line in err.splitlines() if line.startswith("[")]
        outcomes["crashed"] += reloads - len(answers)
        for repo, found in answers:
            kind_of = "crashed" if str(found).startswith("error:") else "wrong"
            outcomes["right" if found == repo else kind_of] += 1
    return +outcomes


def test_six_processes_and_six_repos_of_one_branch_name_never_mix_here(github, tmp_path) -> None:
    assert race("ours", github, tmp_path / "race") == {"right": 48}


def test_four_processes_may_reload_one_repo_here(github, tmp_path) -> None:
    assert race("ours", github, tmp_path / "race", repos=1, processes=4) == {"right": 32}


@pytest.mark.chance
@pytest.mark.parametrize(("repos", "processes"), [(6, 6), (1, 4)])
def test_the_same_races_crash_or_mix_repos_up_there(github, tmp_path, repos, processes) -> None:
    outcomes: Counter[str] = Counter()
    for attempt in range(3):  # chance is involved: once is enough
        home = tmp_path / f"race{attempt}"
        outcomes += race("torch", github, home, repos=repos, processes=processes)
        if outcomes["crashed"] + outcomes["wrong"]:
            break
    assert outcomes["crashed"] + outcomes["wrong"] > 0


# 4, 5: hosts that fail


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_host_defeats_the_cache_there_and_not_here(
    torch_hub, github, caplog, status: int
) -> None:
    github.commit("ada/net", CODE)
    torch_hub.load("ada/net", "net", trust_repo=True)
    ours.load(at(github, "ada/net"), "net", trust_repo=True)
    github.statuses[""] = status
    with pytest.raises(HTTPError):
        torch_hub.load("ada/net", "net", trust_repo=True)
    assert ours.load(at(github, "ada/net"), "net") == "net"
    assert "Using the cached commit" in caplog.text


def test_a_spent_limit_is_a_key_error_there_and_advice_here(torch_hub, github) -> None:
    github.commit("ada/net", CODE)
    github.statuses["/api/v3/"] = 403
    github.headers["X-RateLimit-Remaining"] = "0"
    with pytest.raises(KeyError, match="Authorization"):
        torch_hub.load("ada/net", "net", trust_repo=True)
    with pytest.raises(TooManyRequests, match="Set GITHUB_TOKEN"):
        ours.load(at(github, "ada/net"), "net", trust_repo=True)


def test_a_missing_repo_is_a_key_error_there_and_a_sentence_here(torch_hub, github) -> None:
    github.commit("ada/net", CODE)
    with pytest.raises(KeyError, match="Authorization"):
        torch_hub.load("ada/nothing", "net", trust_repo=True)
    with pytest.raises(RepoNotFound, match="ada/nothing is not on"):
        ours.load(at(github, "ada/nothing"), "net", trust_repo=True)


def test_a_name_that_is_branch_and_tag_means_the_branch_with_a_warning(
    torch_hub, github, caplog
) -> None:
    github.commit("ada/net", says("tag"))
    github.git("ada/net", "tag", "x")
    github.git("ada/net", "branch", "y")
    github.git("ada/net", "checkout", "-q", "-b", "x")
    github.commit("ada/net", says("branch"))
    github.statuses["zipball/x"] = 300
    with pytest.warns(UserWarning, match="ambiguous"):
        assert torch_hub.load("ada/net:x", "net", trust_repo=True) == "branch"
    assert ours.load(at(github, "ada/net:x"), "net", trust_repo=True) == "branch"
    assert "is a branch and a tag; taking the branch" in caplog.text
    assert ours.load(at(github, "ada/net:refs/tags/x"), "net", trust_repo=True) == "tag"


# 6, 17: modules that collide


def test_equal_module_names_mix_there_and_not_here(torch_hub, github) -> None:
    for name in ("a", "b"):
        code = {"hubconf.py": b"from models.x import NAME\ndef net():\n    return NAME\n"}
        inner = {"models/__init__.py": b"", "models/x.py": f"NAME = {name!r}\n".encode()}
        github.commit(f"ada/{name}", code | inner)
    try:
        theirs = [torch_hub.load(f"ada/{name}", "net", trust_repo=True) for name in "ab"]
    finally:
        for name in ("models", "models.x"):
            sys.modules.pop(name, None)
    assert theirs == ["a", "a"]
    loaded = [ours.load(at(github, f"ada/{n}"), "net", trust_repo=True) for n in "ab"]
    assert loaded == ["a", "b"]
    assert "models" not in sys.modules


LOOK = """
import sys
sys.path.insert(0, sys.argv[1])
import {module} as hub
hub.load(sys.argv[2], "net", source="local")
import triton
print(triton.__path__)
"""


def test_a_folder_named_like_a_library_replaces_it_there_and_not_here(github) -> None:
    edits = b"import sys, os\nsys.path.append(os.path.dirname(__file__))\ndef net(): return 1\n"
    github.commit("ada/net", {"hubconf.py": edits, "triton/notes.txt": b""})
    folder = str(github.root / "ada/net")
    theirs, here = (
        subprocess.run(
            [sys.executable, "-c", LOOK.format(module=module), str(ROOT), folder],
            capture_output=True, text=True, check=False,
        )
        for module in ("torch.hub", "reprise.hub")
    )  # fmt: skip
    assert f"{folder}/triton" in theirs.stdout  # torch now takes that folder for the package
    assert "No module named 'triton'" in here.stderr


# 9 to 12: checkpoints


def test_equal_file_names_give_wrong_weights_there_and_not_here(torch_hub, files) -> None:
    files.files |= {f"/{n}/net.pth": saved({"n": torch.tensor(n)}) for n in (1, 2)}
    urls = [f"{files.url}/{n}/net.pth" for n in (1, 2)]
    theirs = [torch_hub.load_state_dict_from_url(url, progress=False)["n"].item() for url in urls]
    assert theirs == [1, 1]
    assert [ours.load_state_dict_from_url(url)["n"].item() for url in urls] == [1, 2]


def test_a_tampered_file_is_loaded_there_and_not_here(torch_hub, files, client_home) -> None:
    data = saved({"n": torch.tensor(1)})
    name = f"net-{sha256(data).hexdigest()[:8]}.pth"
    files.files[f"/{name}"] = data
    folder = client_home / "snapshots" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(saved({"n": torch.tensor(666)}))
    given = {"model_dir": str(folder), "check_hash": True, "progress": False}
    url = f"{files.url}/{name}"
    assert torch_hub.load_state_dict_from_url(url, **given)["n"] == 666
    assert ours.load_state_dict_from_url(url, **given)["n"] == 1


@pytest.mark.parametrize("name", ["net.pth", "net-.pth", "net-{0:.2}.pth"])
def test_check_hash_without_a_hash_passes_there_and_not_here(torch_hub, files, name) -> None:
    data = saved({})
    name = name.format(sha256(data).hexdigest())
    files.files[f"/{name}"] = data
    url = f"{files.url}/{name}"
    assert torch_hub.load_state_dict_from_url(url, check_hash=True, progress=False) == {}
    with pytest.raises(InvalidInput, match="check_hash needs a name"):
        ours.load_state_dict_from_url(url, check_hash=True)


def test_a_version_in_the_name_is_taken_for_the_hash_there_and_not_here(torch_hub, files) -> None:
    data = saved({})
    url = f"/net-1.0-{sha256(data).hexdigest()[:8]}.pth"
    files.files[url] = data
    with pytest.raises(RuntimeError, match='invalid hash value \\(expected "1"'):
        torch_hub.load_state_dict_from_url(files.url + url, check_hash=True, progress=False)
    assert ours.load_state_dict_from_url(files.url + url, check_hash=True) == {}


@pytest.mark.parametrize("prefix", ["", "{0:.1}"])
def test_a_prefix_that_proves_nothing_passes_there_and_not_here(
    torch_hub, files, tmp_path, prefix: str
) -> None:
    files.files["/x"] = b"x"
    wanted = prefix.format(sha256(b"x").hexdigest())
    torch_hub.download_url_to_file(f"{files.url}/x", str(tmp_path / "x"), wanted, False)
    with pytest.raises(InvalidInput):
        ours.download_url_to_file(f"{files.url}/x", str(tmp_path / "y"), wanted)


def test_a_truncated_download_is_kept_there_and_mended_here(torch_hub, files, tmp_path) -> None:
    data = saved({"w": torch.zeros(10_000)})
    files.files["/net.pth"] = data
    url, given = f"{files.url}/net.pth", {"model_dir": str(tmp_path), "progress": False}
    for _ in range(2):  # the second time the server is well again
        files.cuts = [5_000] if not list(tmp_path.iterdir()) else []
        with pytest.raises(Exception, match=r"PytorchStreamReader|zip|pickle|nvalid"):
            torch_hub.load_state_dict_from_url(url, **given)
    files.cuts = [5_000]
    assert ours.load_state_dict_from_url(url, **given)["w"].shape == (10_000,)
    assert files.log[-1][2] == "bytes=5000-"


def test_one_failure_ends_a_download_there_and_is_retried_here(torch_hub, files, tmp_path) -> None:
    files.files["/x"] = b"x"
    files.statuses = [503]
    with pytest.raises(HTTPError):
        torch_hub.download_url_to_file(f"{files.url}/x", str(tmp_path / "x"), None, False)
    files.statuses = [503]
    ours.download_url_to_file(f"{files.url}/x", str(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == b"x"


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


def test_pickles_run_code_there_and_not_here(torch_hub, files) -> None:
    files.files["/net.pth"] = saved(Evil())
    url = f"{files.url}/net.pth"
    assert torch_hub.load_state_dict_from_url(url, progress=False) == 0  # what `true` returned
    with pytest.raises(InvalidFormat, match="holds more than weights"):
        ours.load_state_dict_from_url(url)


# 13: archives


def archive(*entries: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, text in entries:
            opened.writestr(name, text)
    return buffer.getvalue()


def test_an_archive_deletes_a_folder_before_it_is_refused_there_and_not_here(
    torch_hub, github, tmp_path, client_home
) -> None:
    github.commit("ada/net", CODE)
    github.archive = archive(("../victim/", ""), ("../victim/hubconf.py", "evil = 1"))
    victims = [tmp_path / "victim", client_home / "victim"]
    for victim in victims:
        victim.mkdir(parents=True)
        (victim / "keep").write_text("mine")
    with pytest.raises(ValueError, match="directory traversal"):
        torch_hub.load("ada/net", "net", trust_repo=True)
    with pytest.raises((InvalidId, CorruptContent)):
        ours.load(at(github, "ada/net"), "net", trust_repo=True)
    assert [victim.exists() for victim in victims] == [False, True]


def test_another_repos_archive_is_run_there_and_refused_here(torch_hub, github) -> None:
    github.commit("ada/net", CODE)
    github.archive = archive(("x/", ""), ("x/hubconf.py", "def net():\n    return 'evil'\n"))
    assert torch_hub.load("ada/net", "net", trust_repo=True) == "evil"
    with pytest.raises(CorruptContent, match="is not the commit's"):
        ours.load(at(github, "ada/net"), "net", trust_repo=True)


def test_a_cut_archive_is_no_zip_there_and_retried_or_refused_here(torch_hub, github) -> None:
    github.commit("ada/net", CODE)
    whole = github.git("ada/net", "archive", "--format=zip", "--prefix=n/", "main")
    github.archive = whole[: len(whole) // 2]
    with pytest.raises(zipfile.BadZipFile):
        torch_hub.load("ada/net", "net", trust_repo=True)
    with pytest.raises((CorruptContent, HubUnreachable)):
        ours.load(at(github, "ada/net"), "net", trust_repo=True)
    github.archive = None
    assert ours.load(at(github, "ada/net"), "net", trust_repo=True) == "net"


def test_a_linked_hubconf_fails_there_and_works_here(torch_hub, github) -> None:
    github.commit("ada/net", {"code/entry.py": CODE["hubconf.py"]})
    (github.root / "ada/net/hubconf.py").symlink_to("code/entry.py")
    github.commit("ada/net", {})
    with pytest.raises((SyntaxError, NameError)):
        torch_hub.load("ada/net", "net", trust_repo=True)
    assert ours.load(at(github, "ada/net"), "net", trust_repo=True) == "net"


# 14: names that collide in the cache


def test_refs_that_differ_by_a_slash_collide_there_and_not_here(torch_hub, github) -> None:
    for number, branch in enumerate(("feature/x", "feature_x")):
        github.commit("ada/net", says(number))
        github.git("ada/net", "branch", branch)
    repos = ["ada/net:feature/x", "ada/net:feature_x"]
    assert [torch_hub.load(repo, "net", trust_repo=True) for repo in repos] == [0, 0]
    assert [ours.load(at(github, r), "net", trust_repo=True) for r in repos] == [0, 1]


def test_repos_whose_names_join_alike_collide_there_and_not_here(torch_hub, github) -> None:
    github.commit("a/b_c", says("first"), branch="d")
    github.commit("a/b", says("second"), branch="c_d")
    repos = ["a/b_c:d", "a/b:c_d"]
    assert [torch_hub.load(r, "net", trust_repo=True) for r in repos] == ["first", "first"]
    assert [ours.load(at(github, r), "net", trust_repo=True) for r in repos] == ["first", "second"]


def test_a_pointer_to_a_large_file_is_taken_for_it_there_and_named_here(
    torch_hub, github, caplog
) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
    code = b"import os\ndef net():\n    with open(os.path.dirname(__file__) + '/w.bin') as file:\n"
    reading = code + b"        return file.read()\n"
    github.commit("ada/net", {"hubconf.py": reading, "w.bin": pointer.encode()})
    assert torch_hub.load("ada/net", "net", trust_repo=True) == pointer
    assert caplog.text == ""
    ours.load(at(github, "ada/net"), "net", trust_repo=True)
    assert "w.bin" in caplog.text


# 16: shared caches. torch.hub obeys the umask since it writes beside the final place.


def test_torch_hub_obeys_the_umask_by_now(torch_hub, github, files, tmp_path) -> None:
    github.commit("ada/net", CODE)
    files.files["/net.pth"] = saved({})
    before = os.umask(0o027)
    try:
        torch_hub.load("ada/net", "net", trust_repo=True)
        torch_hub.load_state_dict_from_url(f"{files.url}/net.pth", progress=False)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(it.stat().st_mode) for it in (tmp_path / "torch-hub").rglob("*")}
    assert {oct(mode) for mode in modes if mode & 0o027} == set()


@pytest.mark.parametrize(("umask", "others"), [(0o002, True), (0o022, True), (0o077, False)])
def test_the_umask_decides_who_may_read_and_join(
    github, files, client_home, umask: int, others: bool
) -> None:
    github.commit("ada/net", CODE)
    files.files["/net.pth"] = b"weights"
    before = os.umask(umask)
    try:
        ours.list(at(github, "ada/net"))
        from reprise.hub.checkpoints import checkpoint

        checkpoint(f"{files.url}/net.pth")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in client_home.rglob("*")}
    assert {path: oct(mode) for path, mode in modes.items() if mode & umask} == {}
    readable = {bool(mode & 0o040) for mode in modes.values()}
    assert readable == {others}
    if umask == 0o002:  # a group shares it: folders and locks are theirs, too
        closed = [
            p for p, m in modes.items() if (p.is_dir() or p.suffix == ".lock") and not m & 0o020
        ]
        assert closed == []
