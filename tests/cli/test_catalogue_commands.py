"""reviewer, submit, review, recheck and import-card against the real server."""

import json
import platform
from pathlib import Path

import pytest

from tests.committing import commit
from tests.factories import Hub, make_repo

CARD = b"---\nlicense: mit\n---\n# N\n\n" + b"word " * 9 + b"\n\n```python\n1\n```\n"


def test_a_repo_is_submitted_and_checked_again(cli, online: Hub, tmp_path: Path) -> None:
    make_repo(online.registry, "ada/net")
    hubconf = b'def net():\n    """Make a net."""\n'
    commit(online.registry, "ada/net", {"hubconf.py": hubconf, "README.md": CARD})
    assert cli("submit", "ada/net").out.startswith("ada/net\treview\t")
    refused = cli("review", "ada/net", "published", "--reason", "Mine.")
    assert (refused.code, "Only reviewers decide" in refused.err) == (1, True)
    data = tmp_path / "hub"
    assert cli("reviewer", "add", "ada", "--data", data).out == "ada is a reviewer.\n"
    assert cli("reviewer", "list", "--data", data).out == "ada\tuser\n"
    refused = cli("review", "ada/net", "published", "--reason", "Mine.")
    assert (refused.code, "their own work" in refused.err) == (1, True)
    assert cli("recheck", "--all", "--data", data).err == "Nothing is published yet.\n"


def test_a_report_carries_the_environment_of_whoever_sends_it(cli, online: Hub) -> None:
    make_repo(online.registry, "ada/net")
    commit(online.registry, "ada/net", {"README.md": CARD})
    dry = cli("report", "ada/net", "It crashes.", "--dry-run", "--json")
    shown = json.loads(dry.out)
    assert cli("report", "ada/net", "It crashes.").out == "Report 1 about ada/net was sent.\n"
    [kept] = online.client(online.token).get("/api/models/ada/net/reports").json()
    assert (kept["text"], kept["environment"]) == ("It crashes.", shown["environment"])
    assert kept["environment"]["python"] == platform.python_version()
    assert kept["environment"]["packages"]["pytest"] == pytest.__version__
    assert str(Path.home()) not in dry.out


def test_reports_are_read_and_closed_by_the_owner(cli, online: Hub) -> None:
    make_repo(online.registry, "ada/net")
    commit(online.registry, "ada/net", {"README.md": CARD})
    assert cli("reports", "ada/net").err == "No reports.\n"
    cli("report", "ada/net", "It\ncrashes.")
    row = cli("reports", "ada/net").out.rstrip("\n").split("\t")
    assert (row[:3], row[4], row[6]) == (
        ["1", "open", "ada"], platform.python_version(), "It crashes.")  # fmt: skip
    assert cli("reports", "ada/net", "--close", 1).out.startswith("1\tclosed\tada\t")
    assert cli("reports", "ada/net", "--reopen", 1).out.startswith("1\topen\tada\t")
    [told] = json.loads(cli("reports", "ada/net", "--json").out)
    assert (told["text"], told["environment"]["packages"]["pytest"]) == (
        "It\ncrashes.", pytest.__version__)  # fmt: skip
    assert cli("reports", "ada/net", "--close", 2).err == "error: ada/net has no report 2.\n"
    assert cli("reports", "ada/net", "--close", 1, "--reopen", 1).code == 2


def test_a_draft_is_checked_and_says_how_to_go_on(cli, online: Hub) -> None:
    make_repo(online.registry, "ada/net")
    commit(online.registry, "ada/net", {"README.md": CARD})
    done = cli("submit", "ada/net", "--draft")
    assert done.out.startswith("ada/net\tdraft\t")
    assert "hint: Propose it with: reprise submit ada/net" in done.err
    done = cli("submit", "ada/net")
    assert done.out.startswith("ada/net\tchecks\t")
    assert "hint: Mend what failed, publish again, then: reprise submit ada/net" in done.err


@pytest.mark.parametrize("command", [("submit",), ("vote",), ("report", "Text."), ("reports",)])
def test_a_repo_that_is_not_there_is_named(cli, online: Hub, command: tuple[str, ...]) -> None:
    name, *rest = command
    done = cli(name, "ada/nothing", *rest)
    assert (done.code, done.err.splitlines()[0]) == (
        1, f"error: ada/nothing is not on {online.url}.")  # fmt: skip


def test_one_account_votes_once(cli, online: Hub) -> None:
    make_repo(online.registry, "ada/net")
    commit(online.registry, "ada/net", {"README.md": CARD})
    assert [cli("vote", "ada/net").out for _ in range(2)] == ["ada/net\t1\n"] * 2
    assert cli("vote", "ada/net", "--withdraw").out == "ada/net\t0\n"


def test_a_folder_of_cards_is_imported_and_nothing_is_overwritten(cli, tmp_path: Path) -> None:
    hub = tmp_path / "catalogue"
    hub.mkdir()
    for name in ("ada_net", "ada_two"):
        (hub / f"{name}.md").write_text(f"---\nlayout: hub_detail\ntitle: {name}\n---\nText.\n")
    (hub / "README.md").write_text("# The catalogue\n")
    (hub / "latin.md").write_bytes(b"\xff")
    mine = tmp_path / "out" / "ada_two" / "README.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = cli("import-card", hub, "--to", tmp_path / "out")
    made = tmp_path / "out" / "ada_net" / "README.md"
    assert done.out == f"ada_net.md\t{made}\n"
    assert made.read_text().startswith("---\ntitle: ada_net\n")
    assert (mine.read_text(), sorted(it.name for it in (tmp_path / "out").iterdir())) == (
        "mine", ["ada_net", "ada_two"])  # fmt: skip
    assert "README.md was passed over: This is no card of the catalogue" in done.err
    assert "latin.md was passed over" in done.err
    assert cli("import-card", hub).code == 2


def test_a_card_of_pytorch_hub_is_printed_as_a_model_card(cli, tmp_path: Path) -> None:
    old = tmp_path / "ada_net.md"
    old.write_text("---\nlayout: hub_detail\ntitle: Net\n---\nText.\n")
    expected = "---\ntitle: Net\ntags:\n- torch-hub\n---\n\n# Net\n\nText.\n"
    assert cli("import-card", old).out == expected
