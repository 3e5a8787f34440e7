import json
import sys
from pathlib import Path

import pytest

from reprise.isolate.limits import Level
from reprise.isolate.probe import probe
from tests.sandboxes import skip_unless_available
from tests.scripted_hub import ScriptedHub

HUBCONF = '''\
dependencies = ["packaging"]


def small(width: int = 4, *, deep=False):
    """Make a small net.

    Args:
        width: How wide.
    """
    return {"width": width, "deep": deep}


def broken():
    raise OSError("no weights")
'''


@pytest.fixture
def net(tmp_path: Path, client_home: Path) -> Path:
    assert not client_home.exists()
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "hubconf.py").write_text(HUBCONF)
    return tmp_path / "net"


def test_list_prints_tab_separated_rows_and_a_hint_beside_them(cli, net) -> None:
    done = cli("list", net)
    assert done.out == ("broken\t()\t\nsmall\t(width: int = 4, *, deep=False)\tMake a small net.\n")
    assert done.err == f"hint: reprise help {net} broken\n"
    assert cli("-q", "list", net).err == ""


def test_list_gives_everything_as_json(cli, net) -> None:
    rows = json.loads(cli("list", net, "--json").out)
    assert rows[1] == {
        "name": "small",
        "signature": "(width: int = 4, *, deep=False)",
        "summary": "Make a small net.",
        "repo": str(net),
        "commit": None,
        "file": "hubconf.py",
        "line": 4,
        "certainty": "static",
    }


def test_help_prints_signature_docstring_and_needs(cli, net) -> None:
    assert cli("help", net, "small").out == (
        "small(width: int = 4, *, deep=False)\n\n"
        "Make a small net.\n\nArgs:\n    width: How wide.\n\nNeeds: packaging\n"
    )
    value = json.loads(cli("help", net, "small", "--json").out)
    assert (value["name"], value["dependencies"]) == ("small", ["packaging"])


def test_load_reads_its_arguments_as_json_or_text(cli, net) -> None:
    done = cli("load", net, "small", "8", "deep=true")
    assert done.out == "type: builtins.dict\nvalue: {'width': 8, 'deep': True}\n"
    done = cli("load", net, "small", "--json", "width=a b")
    assert json.loads(done.out)["value"] == "{'width': 'a b', 'deep': False}"


def test_code_that_fails_is_told_from_a_failure_of_ours(cli, net) -> None:
    done = cli("load", net, "broken")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: The code of {net} failed: OSError: no weights")


def test_load_needs_trust_for_a_repo_of_others(cli, scripted: ScriptedHub) -> None:
    commit = scripted.commit("ada/net", {"hubconf.py": HUBCONF.encode()})
    done = cli("load", "ada/net", "small")
    assert done.code == 1
    assert "--trust on the command line" in done.err
    assert cli("load", "ada/net", "small", "--trust").code == 0
    assert cli("load", f"ada/net@{commit}", "small").code == 0


def test_errors_are_one_line_and_a_hint(cli, net) -> None:
    done = cli("help", net, "smal")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: {net} has no entry point 'smal'.\nhint:  Did you mean small?\n"


def test_errors_are_json_on_stderr_with_json(cli, net) -> None:
    done = cli("help", net, "smal", "--json")
    assert json.loads(done.err) == {
        "error": f"{net} has no entry point 'smal'.",
        "hint": "Did you mean small?",
        "code": "EntryNotFound",
    }


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ([], 2, "Usage: reprise"),
        (["lst"], 2, "error: No such command 'lst'. Did you mean 'list'?"),
        (["list"], 2, "error: Missing argument 'REPO'."),
        (["list", "--nope", "x"], 2, "error: No such option '--nope'."),
        (["list", "./nothing"], 1, "error: There is no folder './nothing'."),
        (["list", "a/b/c"], 1, "error: Repo id 'a/b/c' has more than one '/'"),
        (["list", "x", "--source", "gitlab"], 2, "error: Invalid value for '--source'"),
    ],
)
def test_exit_codes_tell_usage_from_failure(cli, argv: list[str], code: int, said: str) -> None:
    done = cli(*argv)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(said)


def test_help_goes_to_stdout_and_version_is_one_line(cli) -> None:
    assert cli("--help").out.startswith("Usage: reprise [OPTIONS] COMMAND [ARGS]...")
    assert cli("list", "--help").out.startswith("Usage: reprise list [OPTIONS] REPO")
    assert cli("--version").out == "reprise 0.1.0\n"


# in a worker


def test_load_isolated_says_what_lives_in_the_worker(cli, net) -> None:
    skip_unless_available(Level.RULES)
    (net / "hubconf.py").write_text("class Net:\n    n = 1\ndef small():\n    return Net()\n")
    done = cli("load", net, "small", "--isolated", "--json", "--worker-environment", sys.executable)
    assert done.code == 0
    value = json.loads(done.out)
    assert (value["type"], value["isolated"]) == ("hubconf.Net", probe().level.name.lower())


def test_load_isolated_needs_no_trust_and_keeps_plain_values(cli, scripted: ScriptedHub) -> None:
    skip_unless_available(Level.RULES)
    scripted.commit("ada/net", {"hubconf.py": HUBCONF.encode()})
    options = ("--isolated", "--worker-environment", sys.executable, "--json")
    value = json.loads(cli("load", "ada/net", "small", "8", *options).out)
    assert value == {
        "type": "builtins.dict", "value": "{'width': 8, 'deep': False}", "isolated": True
    }  # fmt: skip
    done = cli("load", "ada/net", "broken", *options)
    assert (done.code, json.loads(done.err.splitlines()[-1])["error"]) == (1, "OSError: no weights")


def test_options_of_the_worker_need_a_worker(cli, net) -> None:
    done = cli("load", net, "small", "--constraint", "numpy<2")
    assert (done.code, done.out) == (2, "")
    assert "--constraint is about a worker; it needs --isolated." in done.err
    assert cli("list", net, "--worker-python", "3.11").code == 2


def test_a_sandbox_lists_what_the_code_makes_and_says_so(cli, net) -> None:
    skip_unless_available(Level.RULES)
    (net / "hubconf.py").write_text(
        "def make(n=1):\n    'Make one.'\nfor c in open(__file__).read(3):\n"
        "    globals()['net_' + c] = make\n"
    )
    assert cli("list", net).out == "make\t(n=1)\tMake one.\n"
    done = cli("list", net, "--sandbox", "--worker-environment", sys.executable)
    assert done.out.splitlines() == [
        "make\t(n=1)\tMake one.", *(f"net_{c}\t(n=1)\tMake one." for c in "def")
    ]  # fmt: skip
    assert done.err == "hint: 3 of 4 names are known from running the code in a sandbox.\n"
    done = cli("help", net, "net_e", "--sandbox", "--worker-environment", sys.executable, "--json")
    assert json.loads(done.out)["certainty"] == "executed"
