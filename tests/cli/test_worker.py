"""`reprise worker`: what it takes, and what it wants."""

import io

import pytest

from reprise.cli.main import run
from reprise.worker.settings import half_of_memory


@pytest.mark.parametrize("size", ["much", "4XB", "-1GB", "1MB", "GB"])
def test_memory_is_an_amount(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["worker", "--hub", "http://127.0.0.1:9", "--memory", size]) == 2
    assert size in capsys.readouterr().err


@pytest.mark.parametrize("size", ["4GB", "512MiB", "1.5 GB", "300000000"])
def test_a_worker_wants_a_token(
    size: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRISE_WORKER_TOKEN", "")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run(["worker", "--hub", "http://127.0.0.1:9", "--memory", size]) == 1
    told = capsys.readouterr().err
    assert "A worker needs an access token." in told
    assert "--role worker" in told


def test_half_of_a_machine_is_something() -> None:
    assert 100 * 10**6 < half_of_memory() < 10**15
