"""Code in one request a file, and what happens when that does not work."""

from pathlib import Path

import pytest

import reprise
from reprise.hub.snapshots import Options, open_snapshot
from tests.scripted_hub import ScriptedHub

FILES = {"hubconf.py": b"def net():\n    return 1\n", "lib/a b.py": b"x = 1\n", "lib/empty.py": b""}


def test_every_small_file_takes_one_request(scripted: ScriptedHub) -> None:
    scripted.commit("ada/net", FILES)
    scripted.log.clear()
    folder = open_snapshot("ada/net", Options()).folder
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.py")}
    assert found == FILES
    asked = [*scripted.requests("GET"), *scripted.requests("HEAD")]
    assert len([line for line in asked if "/resolve/" in line]) == len(FILES)


def test_they_are_as_the_umask_says_and_read_only(scripted: ScriptedHub) -> None:
    scripted.commit("ada/net", FILES)
    folder = open_snapshot("ada/net", Options()).folder
    assert (folder / "hubconf.py").stat().st_mode & 0o777 == 0o444


def test_what_does_not_match_is_never_kept(
    scripted: ScriptedHub, client_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.hub import small_files

    scripted.commit("ada/net", FILES)
    real = small_files.SmallFiles._read
    monkeypatch.setattr(
        small_files.SmallFiles, "_read", lambda *args: (real(*args) or b"") + b"evil = 1\n"
    )
    # The slower way gets the right bytes, so the load works all the same.
    assert reprise.load("ada/net", "net", trust_repo=True) == 1
    copies = [path.read_bytes() for path in (client_home / "snapshots").rglob("*.py")]
    assert sorted(copies) == sorted(FILES.values())
