"""Small files in one archive, and archives that are not what the hub lists."""

import zipfile
from io import BytesIO

import pytest

from reprise.hub.snapshots import Options, open_snapshot
from tests.scripted_hub import Files, ScriptedHub

FILES = {f"lib/part {n}.py": f"x = {n}\n".encode() for n in range(10)} | {"hubconf.py": b"y = 1\n"}


def zipped(files: Files, *, root: str = "ada-net-1/", comment: bytes = b"") -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for path, data in files.items():
            archive.writestr(f"{root}{path}", data)
    return buffer.getvalue()


def fetched(scripted: ScriptedHub, files: Files = FILES, *, weights: bool = True) -> Files:
    """The files of the snapshot that is made of a new commit."""
    scripted.commit("ada/net", files)
    scripted.log.clear()
    folder = open_snapshot("ada/net", Options(), weights=weights).folder
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def asked(scripted: ScriptedHub, part: str) -> int:
    return len([line for line in scripted.log if part in line])


def test_many_small_files_take_one_request(scripted: ScriptedHub) -> None:
    scripted.archive = zipped(FILES)
    assert fetched(scripted) == FILES
    assert (asked(scripted, "/github/ada/net/zipball/"), asked(scripted, "/resolve/")) == (1, 0)


def test_a_hub_without_archives_is_asked_file_by_file(scripted: ScriptedHub) -> None:
    assert fetched(scripted) == FILES
    assert (asked(scripted, "/github/"), asked(scripted, "/resolve/")) == (1, len(FILES))


def test_a_handful_of_files_is_asked_one_by_one_at_once(scripted: ScriptedHub) -> None:
    scripted.archive = b"never sent"
    few = dict(list(FILES.items())[:7])
    assert fetched(scripted, few) == few
    assert asked(scripted, "/github/") == 0


def test_large_files_come_as_before(scripted: ScriptedHub) -> None:
    scripted.large.add("model.bin")
    scripted.archive = zipped(FILES)
    assert fetched(scripted, FILES | {"model.bin": b"w" * 99}) == FILES | {"model.bin": b"w" * 99}
    assert asked(scripted, "GET /ada/net/resolve/") == 1


def test_a_listing_that_wants_little_of_the_commit_leaves_the_archive(scripted) -> None:
    scripted.archive = zipped(FILES)
    data = {f"data/{n}.csv": b"1,2\n" * 5000 for n in range(10)}
    assert fetched(scripted, FILES | data, weights=False) == FILES
    assert asked(scripted, "/github/") == 0


@pytest.mark.parametrize(
    "files",
    [
        FILES | {"hubconf.py": b"evil = 1\n"},  # other bytes
        FILES | {"hubconf.py": b"z = 1\n"},  # of the same length
        FILES | {"../evil.py": b"evil = 1\n", "sitecustomize.py": b"evil = 1\n"},  # more
        dict(list(FILES.items())[3:]),  # less
        {},
    ],
    ids=["other", "same length", "more", "less", "none"],
)
def test_what_is_not_listed_is_not_kept_and_what_lacks_is_fetched(scripted, files, tmp_path):
    scripted.archive = zipped(files)
    assert fetched(scripted) == FILES
    assert list(tmp_path.rglob("evil.py")) == []


def test_of_two_members_with_one_name_the_listed_one_is_taken(scripted: ScriptedHub) -> None:
    buffer = BytesIO(zipped({"hubconf.py": b"z = 1\n"} | FILES))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("ada-net-1/hubconf.py", b"z = 2\n")
    scripted.archive = buffer.getvalue()
    assert fetched(scripted) == FILES


@pytest.mark.parametrize(
    "archive",
    [b"", b"PK", b"<html>", zipped(FILES)[:-30], zipped(FILES)[:200] + b"\0" * 400,
     zipped(FILES, comment=b"x" * 60_000), b"x" * 100_000],
    ids=["empty", "short", "page", "cut", "damaged", "padded", "endless"],
)  # fmt: skip
def test_an_archive_that_is_none_costs_one_request(scripted: ScriptedHub, archive: bytes) -> None:
    scripted.archive = archive
    assert fetched(scripted) == FILES
    assert asked(scripted, "/github/") == 1


def test_a_member_that_unpacks_to_more_than_is_listed_is_not_kept(scripted: ScriptedHub) -> None:
    scripted.archive = zipped(FILES | {"hubconf.py": b"y" * 10_000_000})
    assert fetched(scripted) == FILES
