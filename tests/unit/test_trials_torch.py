"""Trials of repos that use torch, in an environment that has it."""

import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reprise.hub.isolated import Isolation
from reprise.hub.trials.fingerprints import differences
from reprise.hub.trials.records import Report
from reprise.hub.trials.running import check_repo
from reprise.hub.trials.setting import How
from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available
from tests.scripted_files import ScriptedFiles

torch = pytest.importorskip("torch")

HUBCONF = '''
import torch
from torch import nn

dependencies = ["torch"]


def net(pretrained=False):
    """Make a net."""
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    if pretrained:
        url = "URL"
        model.load_state_dict(torch.hub.load_state_dict_from_url(url, weights_only=True))
    return model


def noise():
    """Make something that rolls dice."""
    return lambda tokens: torch.nn.functional.dropout(tokens.float(), 0.5)
'''
CARD = """\
---
license: mit
code: https://github.com/Ada/Net/tree/main/src
checks:
  net: {kwargs: {pretrained: true}, call: [{tensor: [2, 4]}]}
  noise: {call: [{tensor: [3], below: 10}]}
---
# Net

```python
import torch
!pip install something
model = torch.hub.load("ada/net:main", "net", pretrained=True, trust_repo=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model(torch.ones(1, 4)).sum().backward()
optimizer.step()
```
"""
Check = Callable[..., Report]


@pytest.fixture
def check(tmp_path: Path, client_home: Path) -> Check:
    """A repo whose weights lie on another site, and how to check it."""
    del client_home
    skip_unless_available(Level.RULES)
    folder = tmp_path / "repo"
    folder.mkdir()
    made = torch.nn.Sequential(torch.nn.Linear(4, 3))
    torch.save(made.state_dict(), tmp_path / "weights")
    (folder / "README.md").write_text(CARD)

    def run(code: str = HUBCONF) -> Report:
        with ScriptedFiles({"/net.pth": (tmp_path / "weights").read_bytes()}) as site:
            (folder / "hubconf.py").write_text(code.replace("URL", f"{site.url}/net.pth"))
            isolation = Isolation(environment=Path(sys.executable), call_seconds=120)
            return check_repo(str(folder), How(isolation, may_ask=lambda _host: True))

    return run


def outcomes(report: Report) -> dict[str, str]:
    return {it.name: it.reason for it in report.trials if it.outcome == "passed"}


def test_weights_of_other_sites_reach_code_that_reaches_nothing(check: Check) -> None:
    found = outcomes(check())
    told = "1 addresses answer; hashes: 0 verified by the code, 0 only named, 1 without"
    assert found["weight-urls-alive"] == told
    assert found["loads"] == "2 of 2 were made"
    assert found["calls"] == "net gives float32[2, 3]; noise gives float32[3]"
    assert found["weights-load"] == "1 files were read with weights_only=True"
    assert found["example-runs"] == "1 block ran as written"
    assert found["fingerprint"] == "2 entry points gave the same in two processes"


def test_an_example_may_be_the_first_to_import_torch(check: Check, tmp_path: Path) -> None:
    card = CARD.replace("import torch\n", "from torch import hub\n").split("model = ")[0]
    shown = 'assert hub.load("ada/net", "three") == 3\n```\n'
    (tmp_path / "repo" / "README.md").write_text(card.replace("checks:", "unused:") + shown)
    code = 'def three():\n    """Count to three."""\n    return 3\n# URL\n'
    found = outcomes(check(code))
    assert found["example-runs"] == "1 block ran as written"


@pytest.mark.exhaustive
def test_other_weights_are_another_fingerprint(check: Check, tmp_path: Path) -> None:
    first = check().trials[-1].details["entries"]
    assert first["net"]["state"]["numbers"] == 15
    assert differences(first, check().trials[-1].details["entries"]) == []
    torch.save(torch.nn.Sequential(torch.nn.Linear(4, 3)).state_dict(), tmp_path / "weights")
    told = differences(first, check_again(check))
    assert told[0] == "net has other weights"
    assert told[1].startswith("net answers call 1 with numbers that differ by ")


def check_again(check: Check) -> dict:
    """Check with nothing kept of what was downloaded before."""
    import shutil

    from reprise.hub import settings

    shutil.rmtree(settings.cache_dir() / "checkpoints")
    return dict(check().trials[-1].details["entries"])


class Evil:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.exhaustive
def test_checkpoints_that_would_run_code_fail_and_do_not(
    check: Check, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with zipfile.ZipFile(tmp_path / "repo" / "evil.pt", "w") as archive:
        archive.writestr("evil/data.pkl", pickle.dumps(Evil(), 2))
        archive.writestr("evil/version", "3\n")
    (tmp_path / "repo" / "tokens.bin").write_bytes(b"no checkpoint")
    with caplog.at_level("DEBUG"):
        trial = next(it for it in check().trials if it.name == "weights-load")
    assert trial.outcome == "failed"
    assert trial.reason.startswith("evil.pt: UnpicklingError: Weights only load failed.")
    assert "tokens.bin" not in trial.reason
    assert not any("executed" in record.getMessage() for record in caplog.records)
