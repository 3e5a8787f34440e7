from pathlib import Path

import pytest

import reprise
from reprise.hub import api, settings


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "REPRISE_TRUST_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(settings, "_chosen", [])
    return tmp_path


def test_snapshots_live_where_torch_hub_keeps_its_own(bare: Path, monkeypatch) -> None:
    assert reprise.get_dir() == str(bare / ".cache/torch/hub")
    monkeypatch.setenv("XDG_CACHE_HOME", "~/xdg")
    assert reprise.get_dir() == str(bare / "xdg/torch/hub")
    monkeypatch.setenv("TORCH_HOME", "~/torch")
    assert reprise.get_dir() == str(bare / "torch/hub")
    reprise.set_dir("~/chosen")
    assert reprise.get_dir() == str(bare / "chosen")


def test_an_empty_variable_counts_as_unset(bare: Path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert reprise.get_dir() == str(bare / ".cache/torch/hub")


def test_consent_is_remembered_outside_the_cache(bare: Path, monkeypatch) -> None:
    assert settings.trust_file() == bare / ".config/reprise/trust.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", "~/conf")
    assert settings.trust_file() == bare / "conf/reprise/trust.json"
    monkeypatch.setenv("REPRISE_TRUST_FILE", "~/t.json")
    assert settings.trust_file() == bare / "t.json"


def test_a_token_belongs_to_the_hub_in_use() -> None:
    assert api.token_for(settings.endpoint(), None) is None
    assert api.token_for("https://elsewhere.example", None) is False
    assert api.token_for("https://elsewhere.example", "mine") == "mine"
