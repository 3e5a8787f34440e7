import json
from pathlib import Path

import pytest

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
