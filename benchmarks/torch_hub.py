"""Against torch.hub: what listing costs, and how fast many small files arrive.

Run it with an interpreter that has torch; without torch its columns are left out. The rate is
measured on one live hub: our snapshot, `hf_hub_download` file by file, and torch.hub's way, one
archive downloaded and unpacked by torch.hub's own code.
"""

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rig.harness import Bench, hub, interleaved, median, report

ROUNDS = 9
FETCHES = 5
FILES = 200
HAS_TORCH = find_spec("torch") is not None

REPRISE_LIST = "import reprise; print(reprise.list({folder!r}))"
REPRISE_HELP = "import reprise; print(reprise.help({folder!r}, 'net'))"
TORCH_LOAD = (
    "import torch.hub as hub; m = hub._import_module('hubconf.py', {folder!r} + '/hubconf.py');"
)
TORCH_LIST = f"{TORCH_LOAD} print([n for n in dir(m) if callable(getattr(m, n)) and n[0] != '_'])"
TORCH_HELP = f"{TORCH_LOAD} print(hub._load_entry_from_hubconf(m, 'net').__doc__)"

# One fetch in a process that has everything imported: prints seconds.
SNAPSHOT = """
import sys, time
from reprise.hub.snapshots import Options, open_snapshot
from huggingface_hub import HfApi, RepoFile, hf_hub_download
import httpx2, filelock
started = time.perf_counter()
open_snapshot(sys.argv[1], Options())
print(time.perf_counter() - started)
"""
# The first look at a repo, and how many requests it takes: prints seconds.
FIRST_LIST = """
import sys, time
import reprise
from reprise.hub import api, published_manifests
from reprise.hub.manifest import read_manifest
from huggingface_hub import HfApi, RepoFile
import httpx2, filelock
if sys.argv[2] == "code":
    published_manifests.can_be = lambda address: False
asked = []
session = api.session()
session.event_hooks = {"request": [*session.event_hooks["request"], asked.append], "response": []}
started = time.perf_counter()
assert reprise.list(sys.argv[1]) == ["net"]
print(sum("/ada/net" in request.url.path for request in asked), time.perf_counter() - started)
"""
ONE_BY_ONE = """
import sys, time
from huggingface_hub import HfApi, hf_hub_download
import httpx2, filelock
started = time.perf_counter()
for path in HfApi().list_repo_files(sys.argv[1]):
    hf_hub_download(sys.argv[1], path)
print(time.perf_counter() - started)
"""
ARCHIVE = """
import sys, time, zipfile
import torch.hub as hub
started = time.perf_counter()
hub.download_url_to_file(sys.argv[2], sys.argv[3] + ".zip", progress=False)
with zipfile.ZipFile(sys.argv[3] + ".zip") as archive:
    hub._safe_extract_zip(archive, sys.argv[3])
print(time.perf_counter() - started)
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name)
        made = make_repo(folder / "net")
        report("torch_hub_start", starts(made, folder))
        with hub() as bench:
            report("torch_hub_snapshot", snapshots(bench, made, folder))
            report("torch_hub_first_list", first_lists(bench, folder))


def make_repo(folder: Path) -> Path:
    """Write an entry point and small files beside it, two hundred in all."""
    (folder / "lib").mkdir(parents=True)
    code = "def net(pretrained: bool = False):\n    '''Make a net.'''\n    return pretrained\n"
    (folder / "hubconf.py").write_text(code)
    for number in range(FILES - 1):
        lines = "\n".join(f"VALUE_{number}_{line} = {line}" for line in range(60))
        (folder / "lib" / f"part{number:03}.py").write_text(f"{lines}\n")
    return folder


def starts(made: Path, home: Path) -> list[dict[str, object]]:
    """Time whole processes that list and explain, interleaved."""
    path = str(made)
    commands = {
        "reprise list": [sys.executable, "-m", "reprise", "list", path],
        "reprise help": [sys.executable, "-m", "reprise", "help", path, "net"],
        "import reprise; list": [sys.executable, "-c", REPRISE_LIST.format(folder=path)],
        "import reprise; help": [sys.executable, "-c", REPRISE_HELP.format(folder=path)],
    }
    if HAS_TORCH:
        commands["import torch.hub; list"] = [sys.executable, "-c", TORCH_LIST.format(folder=path)]
        commands["import torch.hub; help"] = [sys.executable, "-c", TORCH_HELP.format(folder=path)]
    env = os.environ | {"HOME": str(home), "TORCH_HOME": str(home / "torch")}
    actions = {
        name: lambda command=command: subprocess.run(
            command, env=env, check=True, capture_output=True
        )
        for name, command in commands.items()
    }
    seconds = interleaved(ROUNDS, **actions)
    slowest = {
        kind: median(seconds.get(f"import torch.hub; {kind}", []) or [0])
        for kind in ("list", "help")
    }
    return [
        {
            "process": name,
            "median s": median(taken),
            "best s": min(taken),
            "torch.hub takes": f"{slowest[name[-4:]] / median(taken):.1f} x" if HAS_TORCH else None,
        }
        for name, taken in seconds.items()
    ]


def snapshots(bench: Bench, made: Path, folder: Path) -> list[dict[str, object]]:
    """Fetch two hundred small files in three ways, each time into empty caches."""
    repo = "ada/net"
    settings = {"HF_ENDPOINT": bench.url, "HF_TOKEN": bench.token, "HF_HUB_DISABLE_XET": "1"}
    base = os.environ | settings
    subprocess.run(
        [sys.executable, "-m", "reprise", "-q", "publish", str(made), repo],
        env=base | {"HF_HOME": str(folder / "publisher")}, check=True, capture_output=True,
    )  # fmt: skip
    archive = publish_archive(bench, made, folder)
    ways = {"reprise snapshot": SNAPSHOT, "hf_hub_download": ONE_BY_ONE}
    if HAS_TORCH:
        ways["torch.hub archive"] = ARCHIVE
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(FETCHES):
        for name, code in ways.items():
            home = folder / f"{round_}-{name.replace(' ', '-')}"
            home.mkdir()
            own = {"HF_HOME": str(home / "hf"), "TORCH_HOME": str(home / "torch")}
            command = [sys.executable, "-c", code, repo, archive, str(home / "unpacked")]
            done = subprocess.run(
                command, env=base | own, check=True, capture_output=True, text=True
            )
            seconds[name].append(float(done.stdout.split()[-1]))
    ours = median(seconds["reprise snapshot"])
    return [
        {
            "way": name,
            "median s": median(taken),
            "files/s": FILES / median(taken),
            "snapshot's rate": f"{median(taken) / ours:.1f} x",
        }
        for name, taken in seconds.items()
    ]


def first_lists(bench: Bench, folder: Path) -> list[dict[str, object]]:
    """List a repo for the first time: from what the hub publishes, and from its code."""
    base = os.environ | {"HF_ENDPOINT": bench.url, "HF_TOKEN": bench.token}
    ways = {"published manifest": "manifest", "code of the commit": "code"}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    requests: dict[str, int] = {}
    for round_ in range(FETCHES):
        for name, way in ways.items():
            home = folder / f"list-{round_}-{way}"
            own = {"HF_HOME": str(home / "hf"), "TORCH_HOME": str(home / "torch")}
            done = subprocess.run(
                [sys.executable, "-c", FIRST_LIST, "ada/net", way],
                env=base | own, check=True, capture_output=True, text=True,
            )  # fmt: skip
            count, took = done.stdout.split()
            requests[name] = int(count)
            seconds[name].append(float(took))
    return [
        {"from": name, "requests": requests[name], "median s": median(taken), "best s": min(taken)}
        for name, taken in seconds.items()
    ]


def publish_archive(bench: Bench, made: Path, folder: Path) -> str:
    """Put the same files into one archive on the same hub, as GitHub would serve it."""
    from huggingface_hub import HfApi

    path = folder / "net.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("net-main")
        for file in sorted(made.rglob("*.py")):
            archive.write(file, f"net-main/{file.relative_to(made)}")
    api = HfApi(bench.url, token=bench.token)
    api.create_repo("ada/archive")
    api.upload_file(path_or_fileobj=path, path_in_repo="net.zip", repo_id="ada/archive")
    return f"{bench.url}/ada/archive/resolve/main/net.zip"


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"took {time.perf_counter() - started:.0f} s")
