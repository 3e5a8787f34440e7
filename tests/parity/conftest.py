"""torch.hub and Reprise side by side: one scripted GitHub, two caches."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.torch_opener import github_at
from tests.scripted_github import ScriptedGithub


@pytest.fixture
def torch_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The real torch.hub, with a folder of its own."""
    hub = pytest.importorskip("torch.hub")
    monkeypatch.setattr(hub, "_hub_dir", str(tmp_path / "torch-hub"))
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    return hub


@pytest.fixture
def github(
    tmp_path: Path, client_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ScriptedGithub]:
    """A host that both ask: torch.hub through the opener, Reprise by address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert not client_home.exists()
    with ScriptedGithub(tmp_path / "github") as host, github_at(host.url):
        yield host


def at(host: ScriptedGithub, text: str) -> str:
    """The address of a repo on the scripted host, as Reprise reads it."""
    return f"{host.url.removeprefix('http://')}:{text}"
