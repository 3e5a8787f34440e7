"""Unmodified torch.hub against a hub: only its road to GitHub is another one."""

import hashlib
import importlib.util
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from tests.clients.conftest import LiveHub
from tests.processes import reprise

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed here"
)

HUBCONF = '''
dependencies = ["torch"]
VERSION = {version}

def net(width=2, weights=None):
    """A linear layer of a width."""
    import torch
    layer = torch.nn.Linear(width, 1)
    if weights:
        layer.load_state_dict(torch.hub.load_state_dict_from_url(weights, check_hash=True))
    return layer

def version():
    """The version."""
    from versions.number import NUMBER
    return VERSION + NUMBER
'''
RUN = """
import json, sys
import reprise.hub.autopatch
import torch.hub
assert torch.hub.urlopen.__module__ == "urllib.request", "torch.hub is not the original"
value = eval(sys.argv[1])
print(json.dumps(value, default=str))
"""
Hub = Callable[..., Any]


def publish(live: LiveHub, repo: str, *, private: bool = False) -> HfApi:
    api = HfApi(endpoint=live.url, token=live.token)
    api.create_repo(repo, private=private)
    write(api, repo, 1)
    return api


def write(api: HfApi, repo: str, version: int, branch: str = "main") -> str:
    files = {"hubconf.py": HUBCONF.format(version=version).encode(),
             "versions/number.py": b"NUMBER = 0\n"}  # fmt: skip
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    made = api.create_commit(repo, operations, commit_message=f"Version {version}", revision=branch)
    return made.oid


@pytest.fixture
def evaluate(live: LiveHub, tmp_path: Path) -> Hub:
    """Evaluate an expression with torch.hub, patched, in a process of its own."""

    def run(expression: str, **env: str) -> Any:
        home = {"TORCH_HOME": str(tmp_path / "torch"), "HF_TOKEN": "", **env}
        return json.loads(live.run(sys.executable, "-c", RUN, expression, **home).splitlines()[-1])

    return run


def load(repo: str, entry: str = "version", options: str = "") -> str:
    return f"torch.hub.load({repo!r}, {entry!r}, trust_repo=True{options})"


def test_list_help_and_load(live: LiveHub, evaluate: Hub, repo_name: Callable[[], str]) -> None:
    repo = repo_name()
    publish(live, repo)
    listed, said, layer = evaluate(
        f"[torch.hub.list({repo!r}, trust_repo=True), "
        f"torch.hub.help({repo!r}, 'net', trust_repo=True), {load(repo, 'net', ', width=3')}]"
    )
    assert listed == ["net", "version"]
    assert said == "A linear layer of a width."
    assert layer.startswith("Linear(in_features=3")


def test_branches_tags_and_old_commits(
    live: LiveHub, evaluate: Hub, repo_name: Callable[[], str]
) -> None:
    repo = repo_name()
    api = publish(live, repo)
    old = write(api, repo, 2)
    api.create_tag(repo, tag="v3", revision=write(api, repo, 3), tag_message="Annotated")
    api.create_branch(repo, branch="feature/x")
    write(api, repo, 4, "feature/x")
    write(api, repo, 5)
    wanted = ["", f":{old}", f":{old[:10]}", ":v3", ":feature/x", ":main"]
    found = evaluate("[" + ", ".join(load(repo + ref) for ref in wanted) + "]")
    assert found == [5, 2, 2, 3, 4, 5]


def test_a_repo_without_main_is_asked_for_master(
    live: LiveHub, evaluate: Hub, repo_name: Callable[[], str]
) -> None:
    repo = repo_name()
    publish(live, repo)
    expression = f"[torch.hub._parse_repo_info(it) for it in ({repo!r}, 'ada/nothing')]"
    assert evaluate(expression) == [[*repo.split("/"), "main"], ["ada", "nothing", "master"]]


def test_the_cache_is_used_until_a_reload(
    live: LiveHub, evaluate: Hub, repo_name: Callable[[], str]
) -> None:
    repo = repo_name()
    api = publish(live, repo)
    assert evaluate(load(repo)) == 1
    write(api, repo, 2)
    assert evaluate(f"[{load(repo)}, {load(repo, options=', force_reload=True')}]") == [1, 2]


def test_a_commit_of_another_branch_is_refused(
    live: LiveHub, evaluate: Hub, repo_name: Callable[[], str]
) -> None:
    repo = repo_name()
    api = publish(live, repo)
    api.create_branch(repo, branch="dev")
    aside = write(api, repo, 2, "dev")
    write(api, repo, 3, "dev")
    with pytest.raises(AssertionError, match=f"Cannot find {aside}"):
        evaluate(load(f"{repo}:{aside}"))


def test_a_private_repo_loads_with_an_access_token(
    live: LiveHub, evaluate: Hub, repo_name: Callable[[], str]
) -> None:
    repo = repo_name()
    publish(live, repo, private=True)
    assert evaluate(load(repo), GITHUB_TOKEN=live.token) == 1
    again = load(repo, options=", force_reload=True")
    assert evaluate(again, HF_TOKEN=live.token) == 1  # the hub's own
    assert evaluate(again, HF_TOKEN=live.token, GITHUB_TOKEN="ghp_of_github") == 1
    with pytest.raises(AssertionError, match="Repository not found"):
        evaluate(again)


def test_an_absent_repo_is_named_in_the_error(live: LiveHub, evaluate: Hub) -> None:
    with pytest.raises(AssertionError, match="Repository not found: ada/nothing") as raised:
        evaluate(load("ada/nothing"))
    assert f"asked of {live.url} instead of GitHub" in str(raised.value)
    assert "KeyError" not in str(raised.value)


def test_two_downloads_are_the_same_bytes(live: LiveHub, repo_name: Callable[[], str]) -> None:
    repo = repo_name()
    api = publish(live, repo)
    url = f"{live.url}/github/{repo}/zipball/main"
    first, second = httpx2.get(url).content, httpx2.get(url).content
    assert first == second
    root = f"{repo.replace('/', '-')}-{api.model_info(repo).sha}/"
    assert zipfile.ZipFile(io.BytesIO(first)).namelist()[0] == root


def test_weights_come_from_the_mirror(
    live: LiveHub, evaluate: Hub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    import torch

    repo = repo_name()
    publish(live, repo)
    wanted = torch.nn.Linear(2, 1)
    torch.save(wanted.state_dict(), tmp_path / "net.pth")
    digest = hashlib.sha256((tmp_path / "net.pth").read_bytes()).hexdigest()
    url = f"https://weights.invalid/net-{digest[:8]}.pth"
    reprise("mirror", "add", url, "--file", tmp_path / "net.pth", "--data", live.data)
    options = f", weights={url!r}).weight.tolist("
    found = evaluate(load(repo, "net", options), REPRISE_TORCH_HUB_MIRROR="only")
    assert found == wanted.weight.tolist()


def test_a_machine_that_may_only_use_the_mirror_goes_nowhere_else(evaluate: Hub) -> None:
    url = "https://weights.invalid/other.pth"
    with pytest.raises(AssertionError, match=f"{url} is not mirrored on"):
        evaluate(f"torch.hub.load_state_dict_from_url({url!r})", REPRISE_TORCH_HUB_MIRROR="only")
