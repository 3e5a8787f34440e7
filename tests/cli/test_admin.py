"""The commands that run on the server's own machine."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reprise.cli.main import root
from reprise.registry.registry import Registry


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *args: str) -> Result:
    return CliRunner().invoke(root, [*args, "--data", str(data)])


def test_a_token_is_all_that_token_create_prints(data: Path) -> None:
    assert run(data, "user", "create", "ada", "--fullname", "Ada L.").exit_code == 0
    made = run(data, "token", "create", "ada", "--role", "write")
    assert made.stdout.startswith("hf_")
    assert made.stdout.count("\n") == 1
    again = run(data, "token", "create", "ada", "--role", "write")
    assert again.stdout != made.stdout


def test_an_organisation_gets_members_with_roles(data: Path) -> None:
    run(data, "user", "create", "ada")
    run(data, "org", "create", "lab")
    run(data, "org", "add", "lab", "ada", "--role", "admin")
    listed = run(data, "org", "members", "lab", "--json")
    assert json.loads(listed.stdout) == [{"user": "ada", "role": "admin"}]


def test_tokens_are_listed_without_secrets_and_revoked_by_name(data: Path) -> None:
    run(data, "user", "create", "ada")
    scope = ["--role", "fine-grained", "--scope", "model/ada/bert=read", "--name", "ci"]
    secret = run(data, "token", "create", "ada", *scope).stdout.strip()
    listed = run(data, "token", "list", "ada", "--json").stdout
    assert [(t["name"], t["scopes"]) for t in json.loads(listed)] == [
        ("ci", ["model/ada/bert=read"])
    ]
    assert secret not in listed
    assert run(data, "token", "revoke", "ada", "ci").exit_code == 0
    assert json.loads(run(data, "token", "list", "ada", "--json").stdout) == []


def test_a_folder_that_holds_other_things_is_left_alone(data: Path) -> None:
    data.mkdir()
    (data / "thesis.txt").write_text("mine")
    assert "holds no hub" in str(run(data, "user", "list").exception)
    assert [path.name for path in data.iterdir()] == ["thesis.txt"]


def test_an_alias_leads_a_legacy_id_to_a_repo(data: Path) -> None:
    from tests.factories import make_repo, make_user

    registry = Registry.open(data)
    make_user(registry, "openai")
    make_repo(registry, "openai/gpt2")
    registry.close()
    assert run(data, "repo", "alias", "gpt2", "openai/gpt2").exit_code == 0


def test_gc_and_fsck_of_a_new_hub_find_nothing(data: Path) -> None:
    run(data, "user", "create", "ada")
    assert set(json.loads(run(data, "gc", "--json").stdout).values()) == {0}
    assert json.loads(run(data, "fsck", "--json").stdout)["problems"] == []


def test_default_models_are_set_listed_and_removed(data: Path) -> None:
    from tests.factories import make_repo, make_user

    registry = Registry.open(data)
    make_user(registry, "ada")
    make_repo(registry, "ada/words")
    registry.close()
    chosen = json.loads(run(data, "defaults", "set", "fill-mask", "ada/words", "--json").stdout)
    assert (chosen["task"], chosen["repo"], len(chosen["commit"])) == ("fill-mask", "ada/words", 40)
    listed = run(data, "defaults", "list", "--json")
    assert json.loads(listed.stdout) == [{**chosen, "public": True}]
    assert listed.stderr.startswith("Signed by SHA256:")
    assert run(data, "defaults", "remove", "fill-mask").exit_code == 0
    assert json.loads(run(data, "defaults", "list", "--json").stdout) == []
