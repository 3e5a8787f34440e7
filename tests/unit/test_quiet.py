"""What the client and its workers have to say goes to `logging`, and is gone when that is muted."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import reprise
from reprise import hub
from reprise.hub import Isolation
from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available
from tests.scripted_hub import ScriptedHub

HUBCONF = """
import os, sys, warnings
def shout(text):
    print(text)
    print(text, file=sys.stderr)
    os.write(1, text.encode() + b"\\n")
    warnings.warn(text)
    return text
def net():
    '''A net.'''
    return {"n": 1}
for name in __name__, "two":  # known only while it runs
    globals()["net_" + name] = net
"""


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what commands, run in this process by other tests, gave to the loggers."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("reprise"):
            monkeypatch.setattr(logging.getLogger(name), "handlers", [])


def test_listing_and_loading_prints_nothing(
    scripted: ScriptedHub, capfd: pytest.CaptureFixture[str]
) -> None:
    scripted.commit("ada/net", {"hubconf.py": HUBCONF.encode()})
    reprise.list("ada/net")
    reprise.help("ada/net", "net")
    reprise.load("ada/net", "net", trust_repo=True)
    reprise.load("ada/net", "net", force_reload=True)
    reprise.download("ada/net")
    hub.list("ada/net", source="hub", classic=True)
    assert capfd.readouterr() == ("", "")


def test_what_a_worker_prints_is_logged_under_its_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    skip_unless_available(Level.RULES)
    caplog.set_level(logging.INFO, "reprise")
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    wanted = Isolation(environment=Path(sys.executable))
    assert reprise.load(str(tmp_path), "shout", "hello", isolated=wanted) == "hello"
    assert reprise.list(str(tmp_path), sandbox=wanted)
    assert capfd.readouterr() == ("", "")
    said = [r.getMessage() for r in caplog.records if r.name == "reprise.isolate"]
    assert said.count(f"{tmp_path}: hello") == 3
    assert any("UserWarning: hello" in line for line in said)


def test_one_line_of_logging_mutes_everything(tmp_path: Path) -> None:
    skip_unless_available(Level.RULES)
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    code = (
        "import logging, sys\nlogging.getLogger('reprise').setLevel(logging.CRITICAL)\n"
        "import reprise\nfrom reprise import hub\n"
        "wanted = hub.Isolation(environment=__import__('pathlib').Path(sys.executable))\n"
        f"folder = {str(tmp_path)!r}\n"
        "hub.list(folder, source='local', classic=True)\n"  # warns that it cannot be certain
        "reprise.list(folder, sandbox=wanted)\n"
        "assert reprise.load(folder, 'shout', 'hello', isolated=wanted) == 'hello'\n"
        "try:\n    reprise.load(folder, 'none', isolated=wanted)\n"
        "except reprise.RepriseError:\n    pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
