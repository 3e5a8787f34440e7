"""reviewer, submit, review, recheck and import-card against the real server."""

from pathlib import Path

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


def test_a_card_of_pytorch_hub_is_printed_as_a_model_card(cli, tmp_path: Path) -> None:
    old = tmp_path / "ada_net.md"
    old.write_text("---\nlayout: hub_detail\ntitle: Net\n---\nText.\n")
    expected = "---\ntitle: Net\ntags:\n- torch-hub\n---\n\n# Net\n\nText.\n"
    assert cli("import-card", old).out == expected
