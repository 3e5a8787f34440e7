"""Repos and cards made to harm whoever checks them: every one ends as a result with a reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reprise.hub.isolated import Isolation
from reprise.hub.trials.records import Report
from reprise.hub.trials.running import check_repo
from reprise.hub.trials.setting import How
from reprise.isolate.launch import UNTRUSTED
from reprise.isolate.limits import MIB, Level
from tests.sandboxes import skip_unless_available

Check = Callable[..., Report]
TRIAL = "import sys; m = next(v for k, v in sys.modules.items() if k.endswith('.trial'))\n"
CARD = "---\nchecks:\n  net: {}\n---\n# Net\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def check(tmp_path: Path, client_home: Path, root: Path) -> Check:
    """Check a repo of one function with this body, and this card."""
    del client_home
    skip_unless_available(Level.RULES)
    folder = tmp_path / "repo"
    folder.mkdir()

    def run(body: str = "pass", card: str = CARD) -> Report:
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (folder / "hubconf.py").write_text(f"def net(*args):\n{lines}")
        (folder / "README.md").write_text(card)
        limits = replace(UNTRUSTED, memory=512 * MIB, disk=16 * MIB, processes=64)
        isolation = Isolation(root=root, limits=limits, call_seconds=3)
        return check_repo(str(folder), How(isolation))

    return run


def reason(report: Report, name: str) -> str:
    found = next(it for it in report.trials if it.name == name)
    assert found.outcome == "failed", found.reason
    json.dumps(found.reason).encode()
    assert not set(found.reason) & {"\0", "\ud800"}
    return found.reason


@pytest.mark.parametrize(("body", "said"), [
    ("while True: pass", "net: The worker did not answer in time and was ended."),
    ("x = bytearray(1 << 32)", "net: hubconf.py:2: MemoryError"),
    ("import os; os.kill(os.getpid(), 9)", "net: The worker ended: signal SIGKILL."),
    ("raise KeyboardInterrupt", "net: hubconf.py:2: KeyboardInterrupt"),
    ("raise type('E', (Exception,), {'__str__': lambda s: 1 / 0})()", "net: hubconf.py:2: E"),
    ("raise ValueError('a' * 10**8)", "net: hubconf.py:2: ValueError: aaa"),
    ("raise ValueError('\\0\\ud800 end')", "net: hubconf.py:2: ValueError: \ufffd? end"),
    ("import sys; sys.setrecursionlimit(10**9)\nf = lambda: f()\nf()", "net: "),
    ("import os; os.close(3); os.closerange(3, 99)", "net: "),
])  # fmt: skip
def test_hostile_code_is_a_failure_with_its_reason(check: Check, body: str, said: str) -> None:
    found = check(body)
    assert reason(found, "loads").startswith(said)
    assert found.environment["isolation"] in {"rules", "namespaces"}


@pytest.mark.parametrize("lie", [
    "m.type_name = lambda value: float('nan')", "m.type_name = lambda value: 'x' * (2 << 20)",
    "m.state_of = lambda value: object()",
])  # fmt: skip
def test_code_that_forges_its_answers_is_told_from_results(check: Check, lie: str) -> None:
    assert "net: The code told " in reason(check(TRIAL + lie), "loads")


@pytest.mark.parametrize(("plan", "said"), [
    ("args: [{tensor: [1000000, 1000000]}]", "net: "),
    ("args: [{tensor: [-1]}]", "net: ValueError: A tensor's shape is a list of whole numbers"),
    ("args: [{tensor: x}]", "net: ValueError: A tensor's shape is a list of whole numbers"),
    ("args: [{tensor: [1], below: 0}]", "net: ValueError: `below` is a whole number above 0"),
    ("args: [{file: ../../secret}]", "net: ValueError: The file '../../secret' lies outside"),
    ("args: [{file: /etc/passwd}]", "net: ValueError: The file '/etc/passwd' lies outside"),
])  # fmt: skip
def test_hostile_plans_are_failures(check: Check, plan: str, said: str) -> None:
    card = CARD.replace("{}", f"{{{plan}}}")
    assert reason(check(card=card), "loads").startswith(said)


@pytest.mark.parametrize("code", [
    "while True: print('x' * 1000)", "import os; os._exit(0)", "raise SystemExit('no')", "(" * 3000,
    "x = '\\0'\n\0", ">>> while True: pass\n", ">>> 1\n2\n" * 2000, "def f(): f()\nf()",
    "import sys; del sys.modules['reprise']; import reprise; reprise.load('.', 'net')",
])  # fmt: skip
def test_hostile_examples_are_failures(check: Check, code: str) -> None:
    assert reason(check(card=f"{CARD}\n```python\n{code}\n```\n"), "example-runs")


def test_a_card_that_cannot_be_read_is_no_obstacle(check: Check) -> None:
    found = check(card="---\nchecks: [\n---\n```python\nprint(1)\n```\n")
    assert found.failed == []
