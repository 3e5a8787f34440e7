"""`reprise export-entry` and `check-export`. Needs torch."""

import json
import sys
from pathlib import Path

import pytest

from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available

pytest.importorskip("torch")

HUBCONF = """
import torch

class Pair(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.line = torch.nn.Linear(width, 2)
    def forward(self, x, ids):
        return self.line(x) + ids.sum(1, keepdim=True)

def pair(width=4):
    torch.manual_seed(0)
    return Pair(width)
"""


@pytest.fixture
def net(tmp_path: Path, client_home: Path) -> Path:
    assert not client_home.exists()
    skip_unless_available(Level.RULES)
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "hubconf.py").write_text(HUBCONF)
    return tmp_path / "net"


def test_a_model_is_exported_and_checked_from_the_shell(cli, net, tmp_path) -> None:
    done = cli(
        "export-entry", net, "pair", tmp_path / "out", "width=3", "--example", "x=2x3", "--example",
        "ids=2x5:int64", "--dynamic", "x:0=batch", "--dynamic", "ids:0=batch", "--dynamic",
        "ids:1=time", "--worker-environment", sys.executable, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["entry"], told["folder"]) == ("pair", str(tmp_path / "out"))
    assert told["dynamic"] == {"x": {"0": "batch"}, "ids": {"0": "batch", "1": "time"}}
    assert sorted(told["sha256"]) == ["example.safetensors", "model.pt2", "model.safetensors"]
    done = cli("check-export", tmp_path / "out", "--json")
    assert done.code == 0
    assert json.loads(done.out)["equal"] is True


def test_what_cannot_be_exported_is_an_error_with_a_hint(cli, net, tmp_path) -> None:
    options = ("--worker-environment", sys.executable)
    done = cli("export-entry", net, "pair", tmp_path / "out", "--example", "2x4", *options)
    assert (done.code, done.out) == (1, "")
    assert (
        "error: The example does not fit forward(x, ids): missing a required argument" in done.err
    )
    assert "hint:  Give a tuple for positional arguments" in done.err


@pytest.mark.parametrize(
    "options",
    [(), ("--example", "x=2", "--example", "2"), ("--example", "2", "--dynamic", "x:a=b"),
     ("--example", "2", "--dynamic", "a", "--dynamic", "b"), ("--example", "2", "isolated=true")],
)  # fmt: skip
def test_options_that_make_no_sense_are_explained(cli, net, tmp_path, options) -> None:
    done = cli("export-entry", net, "pair", tmp_path / "out", *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
