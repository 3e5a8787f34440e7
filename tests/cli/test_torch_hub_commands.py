"""`reprise mirror` and `reprise torch-hub`, as people type them."""

import hashlib
import json
import os
import subprocess
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

import reprise
from reprise.registry import mirror
from tests.factories import Hub

URL = "https://weights.example/a.pth"
SHOW = "import sys; r = sys.modules.get('urllib.request'); print(type(r and r._opener).__name__)"


# -- mirror ---------------------------------------------------------------------------------


def test_a_file_is_mirrored_listed_and_removed(cli: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"weights")
    data = ("--data", tmp_path / "hub")
    digest = hashlib.sha256(b"weights").hexdigest()
    added = cli("mirror", "add", URL, "--file", tmp_path / "a.pth", "--sha256", digest, *data)
    assert (added.code, added.out) == (0, f"{digest}\t7\t{URL}\n")
    listed = json.loads(cli("mirror", "list", "--json", *data).out)
    assert [(it["url"], it["sha256"], it["size"]) for it in listed] == [(URL, digest, 7)]
    assert cli("mirror", "remove", URL, *data).out == f"Removed {URL}.\n"
    assert cli("mirror", "list", *data).out == ""
    again = cli("mirror", "remove", URL, *data)
    assert (again.code, "is not mirrored here" in again.err) == (1, True)


def test_a_url_is_downloaded_and_mirrored(
    cli: Callable[..., object], hub: Hub, tmp_path: Path
) -> None:
    mirror.add(hub.registry, URL, [b"weights" * 1000])
    source = f"{hub.url}/github/mirror/{hashlib.sha256(URL.encode()).hexdigest()}"
    added = cli("mirror", "add", source, "--data", tmp_path / "other", "--json")
    assert json.loads(added.out)["sha256"] == hashlib.sha256(b"weights" * 1000).hexdigest()


# -- torch-hub ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that sees this one's packages."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    packages = next(folder.glob("lib/*/site-packages"))
    source = Path(reprise.__file__).parents[1]
    (packages / "seen.pth").write_text(f"{source}\n{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "python"


def call(python: Path, *args: str, **env: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("REPRISE_")}
    done = subprocess.run(
        [python, *args], env=clean | env, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_the_hook_works_only_where_it_is_wanted(python: Path) -> None:
    enabled = json.loads(call(python, "-m", "reprise", "-q", "torch-hub", "enable", "--json"))
    assert Path(enabled["file"]).is_file()
    hub = {"REPRISE_PATCH_TORCH_HUB": "https://hub.example"}
    assert call(python, "-c", SHOW) == "NoneType"
    assert call(python, "-c", SHOW, REPRISE_PATCH_TORCH_HUB="0") == "NoneType"
    assert call(python, "-c", SHOW, **hub) == "HubOpener"
    state = json.loads(call(python, "-m", "reprise", "torch-hub", "status", "--json", **hub))
    assert (state["enabled"], state["hub"]) == (True, "https://hub.example")
    call(python, "-m", "reprise", "torch-hub", "disable")
    assert call(python, "-c", SHOW, **hub) == "NoneType"
    assert not Path(enabled["file"]).exists()


def test_the_hook_imports_nothing_where_it_is_not_wanted(python: Path) -> None:
    count = ("-c", "import sys; print(sorted(sys.modules))")
    before = call(python, *count)
    call(python, "-m", "reprise", "-q", "torch-hub", "enable")
    assert call(python, *count) == before
    call(python, "-m", "reprise", "torch-hub", "disable")


def test_importing_one_module_patches(python: Path) -> None:
    line = "import reprise.hub.autopatch, urllib.request; "
    assert call(python, "-c", line + SHOW) == "HubOpener"
    assert call(python, "-c", line + SHOW, REPRISE_PATCH_TORCH_HUB="0") == "NoneType"
