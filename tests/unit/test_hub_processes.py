"""Several processes on one cache, and none on the network."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import reprise
from tests.scripted_hub import ScriptedHub

LOAD = """
import json, sys, reprise
answers = []
for repo in json.loads(sys.argv[1]):
    answers.append([repo, reprise.load(repo, "name", trust_repo=True)])
print(json.dumps(answers))
"""
OFFLINE = """
import sys
touched = []
sys.addaudithook(lambda event, args: touched.append(event) if event.startswith("socket.") else None)
import reprise
from reprise.cli.main import run
assert reprise.list("ada/net0") == ["name"]
assert reprise.help("ada/net0", "name") is None
assert reprise.load("ada/net0", "name") == "net0"
assert run(["list", "ada/net0"]) == 0
assert run(["load", "ada/net1", "name"]) == 1
assert run(["download", "ada/net7"]) == 1
assert run(["search", "net"]) == 1
assert run(["whoami"]) == 1
assert touched == [], touched
"""


def process(code: str, *args: str, home: Path, url: str, **env: str) -> subprocess.Popen[str]:
    settings = {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home / "hf"),
        "TORCH_HOME": str(home / "torch"),
        "REPRISE_TRUST_FILE": str(home / "trust.json"),
        "HF_HUB_DISABLE_XET": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | settings | env,
    )  # fmt: skip


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    done = [(*one.communicate(timeout=100), one.returncode) for one in processes]
    assert [err for _, err, code in done if code != 0] == []
    return [out for out, _, _ in done]


def publish(hub: ScriptedHub, count: int) -> list[str]:
    for number in range(count):
        code = (
            f"import shared\ndef name():\n    return 'net{number}' if shared.N == {number} else 0"
        )
        padding = {f"lib/{n}.py": b"# %d\n" % n for n in range(20)}
        shared = {"shared.py": b"N = %d\n" % number}
        hub.commit(f"ada/net{number}", {"hubconf.py": code.encode()} | shared | padding)
    return [f"ada/net{number}" for number in range(count)]


def test_six_processes_load_six_repos_on_one_branch_name_and_none_gets_anothers(
    tmp_path: Path,
) -> None:
    with ScriptedHub() as hub:
        repos = publish(hub, 6)
        rotated = [repos[n:] + repos[:n] for n in range(6)]
        started = [
            process(LOAD, json.dumps(order), home=tmp_path, url=hub.url) for order in rotated
        ]
        answers = [tuple(a) for out in finish(started) for a in json.loads(out)]
    assert Counter(answers) == {(f"ada/net{n}", f"net{n}"): 6 for n in range(6)}


def test_four_processes_on_one_repo_fetch_it_once(tmp_path: Path) -> None:
    with ScriptedHub() as hub:
        publish(hub, 1)
        started = [process(LOAD, '["ada/net0"]', home=tmp_path, url=hub.url) for _ in range(4)]
        assert {out.strip() for out in finish(started)} == {'[["ada/net0", "net0"]]'}
        fetched = [line for line in hub.requests("GET") if line.endswith("/hubconf.py")]
    assert len(fetched) == 1


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_makes_not_one_socket_call(tmp_path: Path, switch: str) -> None:
    with ScriptedHub() as hub:
        publish(hub, 2)
        finish([process(LOAD, '["ada/net0"]', home=tmp_path, url=hub.url)])
        hub.log.clear()
        finish([process(OFFLINE, home=tmp_path, url=hub.url, **{switch: "1"})])
        assert hub.log == []


def test_a_cached_repo_needs_nothing_of_the_client_library_offline(tmp_path: Path) -> None:
    code = (
        "import sys, reprise\nassert reprise.load('ada/net0', 'name') == 'net0'\n"
        "assert not {'huggingface_hub.hf_api', 'httpx2', 'rich'} & set(sys.modules)"
    )
    with ScriptedHub() as hub:
        publish(hub, 1)
        finish([process(LOAD, '["ada/net0"]', home=tmp_path, url=hub.url)])
        finish([process(code, home=tmp_path, url=hub.url, HF_HUB_OFFLINE="1")])


def test_two_threads_of_one_process_may_load_at_once(scripted: ScriptedHub) -> None:
    from concurrent.futures import ThreadPoolExecutor

    repos = publish(scripted, 4) * 3
    with ThreadPoolExecutor(6) as pool:
        loaded = list(pool.map(lambda r: reprise.load(r, "name", trust_repo=True), repos))
    assert loaded == [repo.removeprefix("ada/") for repo in repos]
