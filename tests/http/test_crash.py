"""Kill -9 at any moment: what was acknowledged is whole, what was not is whole or absent."""

import base64
import hashlib
import json
import random
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.processes import HubProcess, reprise

COMMITS = 200
ROUNDS = 5
WRITERS = 16
REPO = "ada/crash"


@dataclass
class Ledger:
    """What the clients were told, and what they only asked for."""

    acknowledged: dict[str, bytes] = field(default_factory=dict)  # path -> content
    attempted: dict[str, bytes] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def content(number: int) -> bytes:
    return random.Random(number).randbytes(2000 + 37 * number)


def ndjson(*lines: dict) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def commit(client: httpx2.Client, path: str, operation: dict) -> None:
    header = {"key": "header", "value": {"summary": f"Add {path}"}}
    answer = client.post(f"/api/models/{REPO}/commit/main", content=ndjson(header, operation))
    answer.raise_for_status()


def upload_regular(client: httpx2.Client, path: str, data: bytes) -> None:
    value = {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}
    commit(client, path, {"key": "file", "value": value})


def upload_large(client: httpx2.Client, path: str, data: bytes) -> None:
    oid = hashlib.sha256(data).hexdigest()
    batch = {"operation": "upload", "transfers": ["basic"],
             "objects": [{"oid": oid, "size": len(data)}]}  # fmt: skip
    answer = client.post(f"/{REPO}.git/info/lfs/objects/batch", json=batch)
    answer.raise_for_status()
    actions = answer.json()["objects"][0].get("actions", {})
    if "upload" in actions:
        put = actions["upload"]
        client.put(put["href"], content=data, headers=put.get("header")).raise_for_status()
    value = {"path": path, "algo": "sha256", "oid": oid, "size": len(data)}
    commit(client, path, {"key": "lfsFile", "value": value})


def write_one(url: str, token: str, number: int, ledger: Ledger) -> None:
    large = number % 4 == 0
    path, data = f"folder{number % 7}/{number}.{'bin' if large else 'txt'}", content(number)
    with ledger.lock:
        ledger.attempted[path] = data
    try:
        with httpx2.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30
        ) as client:
            (upload_large if large else upload_regular)(client, path, data)
    except httpx2.TransportError:
        return  # the server died under us
    with ledger.lock:
        ledger.acknowledged[path] = data


def clone(url: str, target: Path) -> None:
    env = {"GIT_LFS_SKIP_SMUDGE": "1", "GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin"}
    subprocess.run(["git", "clone", "-q", f"{url}/{REPO}", target], check=True, env=env, timeout=60)


@pytest.mark.timeout(300)
def test_every_acknowledged_commit_survives_sigkill(tmp_path: Path) -> None:
    data, ledger, chance = tmp_path / "hub", Ledger(), random.Random(20261121)
    reprise("user", "create", "ada", "--data", data)
    token = reprise("token", "create", "ada", "--role", "write", "--data", data).strip()
    for round_number in range(ROUNDS):
        with HubProcess(data) as hub, ThreadPoolExecutor(WRITERS) as pool:
            if round_number == 0:
                create_repo(hub.url, token)
            numbers = range(
                round_number * COMMITS // ROUNDS, (round_number + 1) * COMMITS // ROUNDS
            )
            for number in numbers:
                pool.submit(write_one, hub.url, token, number, ledger)
            enough = len(ledger.acknowledged) + chance.randrange(3, COMMITS // ROUNDS - WRITERS)
            while len(ledger.acknowledged) < enough:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.02))  # anywhere between two answers
            hub.kill()
    with HubProcess(data) as hub:
        check_against(hub.url, token, ledger)
        clone(hub.url, tmp_path / "clone")
    subprocess.run(["git", "fsck", "--strict", "--full"], cwd=tmp_path / "clone", check=True)
    assert json.loads(reprise("fsck", "--data", data, "--json"))["problems"] == []


def create_repo(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"name": "crash", "type": "model"}
    httpx2.post(f"{url}/api/repos/create", json=body, headers=headers).raise_for_status()


def check_against(url: str, token: str, ledger: Ledger) -> None:
    assert len(ledger.attempted) == COMMITS
    assert 0 < len(ledger.acknowledged) < COMMITS, "the kills must fall between commits"
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for path, data in ledger.attempted.items():
            answer = client.get(f"/{REPO}/resolve/main/{path}")
            if path in ledger.acknowledged:
                assert (answer.status_code, answer.content) == (200, data)
            else:  # the answer may have been lost after the commit: whole or absent, never half
                assert answer.status_code == 404 or answer.content == data
