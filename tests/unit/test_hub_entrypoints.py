import sys
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import (
    ConsentRequired,
    EntryNotFound,
    InvalidInput,
    MissingDependencies,
    OfflineMiss,
)
from tests.scripted_hub import ScriptedHub

HUBCONF = b'''\
"""Nets."""
import sys

dependencies = ["json"]
sys.modules["json"].executed_by_a_repo = True


def small(width: int = 4, *, deep=False):
    """Make a small net."""
    return {"width": width, "deep": deep}


def verbose_one(verbose, source="x"):
    return verbose, source


def _private():
    pass
'''


@pytest.fixture
def net(scripted: ScriptedHub) -> str:
    import json

    json.__dict__.pop("executed_by_a_repo", None)
    return scripted.commit("ada/net", {"hubconf.py": HUBCONF})


def executed() -> bool:
    return hasattr(sys.modules["json"], "executed_by_a_repo")


@pytest.mark.usefixtures("net")
def test_list_and_help_read_the_code_and_never_run_it() -> None:
    assert reprise.list("ada/net") == ["small", "verbose_one"]
    assert reprise.help("ada/net", "small") == "Make a small net."
    assert reprise.help("ada/net", "verbose_one") is None
    assert not executed()


@pytest.mark.usefixtures("net")
def test_load_runs_nothing_before_somebody_agreed() -> None:
    with pytest.raises(ConsentRequired):
        reprise.load("ada/net", "small")
    assert not executed()


@pytest.mark.usefixtures("net")
def test_load_calls_the_entry_point_with_its_arguments() -> None:
    made = reprise.load("ada/net", "small", 8, deep=True, trust_repo=True)
    assert made == {"width": 8, "deep": True}
    assert executed()
    assert reprise.load("ada/net", "small") == {"width": 4, "deep": False}


def test_a_new_commit_needs_consent_again(scripted: ScriptedHub, net: str) -> None:
    reprise.load("ada/net", "small", trust_repo=True)
    scripted.commit("ada/net", {"hubconf.py": HUBCONF + b"# changed\n"})
    with pytest.raises(ConsentRequired):
        reprise.load("ada/net", "small")
    assert reprise.load(f"ada/net@{net}", "small") == {"width": 4, "deep": False}


@pytest.mark.usefixtures("net")
def test_parameters_named_like_ours_are_reached_through_entry_point() -> None:
    function = reprise.hub.entry_point("ada/net", "verbose_one", trust_repo=True)
    assert function(verbose=3, source="mine") == (3, "mine")


@pytest.mark.usefixtures("net")
def test_a_misspelt_entry_point_brings_a_suggestion_before_any_code_runs() -> None:
    with pytest.raises(EntryNotFound) as caught:
        reprise.load("ada/net", "smal", trust_repo=True)
    assert str(caught.value) == "ada/net has no entry point 'smal'.\nDid you mean small?"
    assert not executed()


@pytest.mark.parametrize("name", ["", None, 3])
@pytest.mark.usefixtures("net")
def test_an_entry_point_is_named_by_a_text(name: object) -> None:
    with pytest.raises(InvalidInput, match="An entry point is named by a text"):
        reprise.load("ada/net", name, trust_repo=True)


@pytest.mark.parametrize("name", ["a.b", "camembert-base", "__import__('os')"])
@pytest.mark.usefixtures("net")
def test_a_name_that_is_no_identifier_is_looked_up_like_any_other(name: str) -> None:
    with pytest.raises(EntryNotFound):
        reprise.load("ada/net", name, trust_repo=True)
    assert not executed()


def test_a_repo_without_hubconf_says_so_and_what_to_do(scripted: ScriptedHub) -> None:
    scripted.commit("ada/data", {"config.json": b"{}"})
    with pytest.raises(EntryNotFound) as caught:
        reprise.list("ada/data")
    assert caught.value.message == "ada/data has no hubconf.py, so it offers no entry points."
    assert caught.value.hint == "Download it instead with: reprise download ada/data"


def test_missing_packages_are_named_with_the_command_that_installs_them(
    scripted: ScriptedHub,
) -> None:
    code = b"dependencies = ['no_such_package_a', 'json']\ndef net():\n    return 1\n"
    scripted.commit("ada/net", {"hubconf.py": code})
    with pytest.raises(MissingDependencies) as caught:
        reprise.load("ada/net", "net", trust_repo=True)
    assert caught.value.message == (
        "ada/net needs packages that are not installed: no_such_package_a."
    )
    assert caught.value.hint == "Install them with: pip install no_such_package_a"


def test_an_undeclared_package_stops_only_the_code_that_asks_for_it(
    scripted: ScriptedHub,
) -> None:
    code = b"def fine():\n    return 1\ndef needy():\n    import lib\n    return lib\n"
    lib = b"import no_such_package_b, no_such_package_c\n"
    scripted.commit("ada/net", {"hubconf.py": code, "lib.py": lib})
    assert reprise.load("ada/net", "fine", trust_repo=True) == 1
    with pytest.raises(MissingDependencies) as caught:
        reprise.load("ada/net", "needy")
    assert caught.value.hint == (
        "Install them with: pip install no_such_package_b no_such_package_c"
    )


@pytest.mark.usefixtures("net")
@pytest.mark.parametrize("trust", [None, 0, "no"])
def test_every_call_checks_the_type_of_trust_repo(trust: object) -> None:
    for call in (
        lambda: reprise.list("ada/net", trust_repo=trust),
        lambda: reprise.help("ada/net", "small", trust_repo=trust),
        lambda: reprise.load("ada/net", "small", trust_repo=trust),
    ):
        with pytest.raises(InvalidInput, match="trust_repo must be"):
            call()


def test_a_local_folder_loads_without_being_asked_about(tmp_path: Path, client_home: Path) -> None:
    (tmp_path / "hubconf.py").write_text("def net(n=1):\n    return n\n")
    assert reprise.list(str(tmp_path)) == ["net"]
    assert reprise.load(str(tmp_path), "net", 2) == 2
    assert reprise.load(str(tmp_path), "net", source="local") == 1
    assert not (client_home / "trust.json").exists()


@pytest.mark.usefixtures("net")
def test_options_are_checked_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"Unknown option: .*sauce"):
        reprise.list("ada/net", sauce="hub")


def test_two_commits_of_one_repo_load_side_by_side(scripted: ScriptedHub, net: str) -> None:
    newer = scripted.commit("ada/net", {"hubconf.py": HUBCONF.replace(b"= 4", b"= 5")})
    widths = [
        reprise.load(f"ada/net@{commit}", "small", trust_repo=True)["width"]
        for commit in (net, newer)
    ]
    assert widths == [4, 5]


@pytest.mark.usefixtures("net")
def test_offline_loads_what_is_cached_and_says_what_is_not() -> None:
    reprise.load("ada/net", "small", trust_repo=True)
    assert reprise.load("ada/net", "small", offline=True) == {"width": 4, "deep": False}
    with pytest.raises(OfflineMiss):
        reprise.load("ada/other", "small", offline=True)
