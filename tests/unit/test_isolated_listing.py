"""Names that only running the code shows: listed when asked for, from a sandbox, marked as such."""

import sys
from pathlib import Path

import pytest

import reprise
from reprise import hub
from reprise.base.errors import InvalidInput, IsolationFailed, RemoteFailure
from reprise.hub import Isolation
from reprise.hub.entrypoints import looked_at
from reprise.hub.manifest import EntryPoint
from reprise.hub.snapshots import Options
from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available
from tests.scripted_hub import ScriptedHub

HUBCONF = '''\
"""Nets whose names are in a file."""
import functools
from json import loads
from pathlib import Path

def _build(width, depth=1):
    """Build one."""
    return width, depth

for _name in Path(__file__).with_name("names.txt").read_text().split():
    globals()[_name] = functools.partial(_build, len(_name))

def plain(n=16):
    """A plain one."""
'''
FILES = {"hubconf.py": HUBCONF.encode(), "names.txt": b"net_a net_bb"}


@pytest.fixture
def sandbox() -> Isolation:
    skip_unless_available(Level.RULES)
    return Isolation(environment=Path(sys.executable))


def test_names_made_while_the_code_runs_are_listed_when_asked_for(
    scripted: ScriptedHub, sandbox: Isolation
) -> None:
    scripted.commit("ada/net", FILES)
    assert reprise.list("ada/net") == ["plain"]
    assert reprise.list("ada/net", sandbox=sandbox) == ["net_a", "net_bb", "plain"]
    assert reprise.help("ada/net", "net_a", sandbox=sandbox) == "Build one."
    assert hub.list("ada/net", source="hub", sandbox=sandbox) == ["net_a", "net_bb", "plain"]


def test_what_the_sandbox_told_is_marked_and_the_source_is_believed_first(
    scripted: ScriptedHub, sandbox: Isolation
) -> None:
    scripted.commit("ada/net", FILES)
    _, manifest = looked_at("ada/net", Options(), sandbox)
    made = EntryPoint(
        name="net_a", kind="function", signature="(depth=1)", doc="Build one.", file="hubconf.py",
        line=6, decorators=(), certainty="executed", own=True,
    )  # fmt: skip
    found = {entry.name: entry for entry in manifest.entry_points}
    assert found["net_a"] == made
    assert (found["plain"].certainty, found["plain"].signature) == ("static", "(n=16)")
    assert (found["loads"].own, found["Path"].own) == (False, False)
    assert "executed-in-sandbox" in manifest.flags
    assert "dynamic-names" not in manifest.flags


def test_classic_lists_are_certain_after_the_code_ran(
    scripted: ScriptedHub, sandbox: Isolation, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.commit("ada/net", FILES)
    found = hub.list("ada/net", source="hub", classic=True, sandbox=sandbox)
    assert found == ["Path", "loads", "net_a", "net_bb", "plain"]
    assert "would tell" not in caplog.text


def test_code_that_can_be_read_is_never_run(tmp_path: Path, sandbox: Isolation) -> None:
    (tmp_path / "hubconf.py").write_text("def net():\n    pass\nraise SystemExit\n")
    assert reprise.list(str(tmp_path), sandbox=sandbox) == ["net"]


def test_code_that_fails_says_so(tmp_path: Path, sandbox: Isolation) -> None:
    (tmp_path / "hubconf.py").write_text("globals().update(open('/etc/shadow'))\n")
    with pytest.raises(RemoteFailure, match="Error"):
        reprise.list(str(tmp_path), sandbox=sandbox)


@pytest.mark.parametrize(
    "told",
    ["7", "[7]", "[{'name': ''}]", "[{'name': 'a\\x1b[2J', 'kind': 'function', 'line': 1}]",
     "[{'name': 'a', 'kind': 'b', 'line': 1}]", "[{'name': 'a', 'kind': 'class', 'line': -1}]",
     "[{'name': 'a', 'kind': ['class'], 'line': 1}]", "[0] * 30_000"],
)  # fmt: skip
def test_nonsense_is_refused(tmp_path: Path, sandbox: Isolation, told: str) -> None:
    (tmp_path / "hubconf.py").write_text(
        "import sys\n"
        "kind = sys.modules['_reprise_worker.values'].Encoder\n"
        "real = kind.encode\n"
        "def encode(self, value, depth=0):\n"
        f"    return real(self, value if depth else {told}, depth)\n"
        "kind.encode = encode\n"
        "globals()[open(__file__).name] = 1\n"
    )
    with pytest.raises(IsolationFailed, match="nonsense"):
        reprise.list(str(tmp_path), sandbox=sandbox)


@pytest.mark.parametrize("sandbox", [1, "yes", None, Isolation(trusted=True)])
def test_a_sandbox_is_true_or_described_and_never_trusted(tmp_path: Path, sandbox: object) -> None:
    (tmp_path / "hubconf.py").write_text("")
    with pytest.raises(InvalidInput, match="sandbox"):
        reprise.list(str(tmp_path), sandbox=sandbox)
