"""`fsck` of a whole hub: silent when all is well, and every kind of damage has a name."""

import os
from pathlib import Path

import pytest
from sqlalchemy import delete

from reprise.registry.db import schema
from reprise.registry.fsck import Report, check_hub
from tests.factories import Hub, make_repo

BIG = os.urandom(11_000_000)


def check(hub: Hub, *, deep: bool = False) -> Report:
    return check_hub(hub.registry, lambda _name: None, deep=deep)


def objects(hub: Hub, kind: str) -> list[Path]:
    root = hub.registry.store.root
    return [path for path in (root / kind).rglob("*") if path.is_file()]


@pytest.fixture
def filled(hub: Hub) -> Hub:
    """A hub with a small file in git and a large one that came by Xet."""
    make_repo(hub.registry, "ada/x")
    hub.api().upload_file(path_or_fileobj=b"small", path_in_repo="a.txt", repo_id="ada/x")
    hub.api().upload_file(path_or_fileobj=BIG, path_in_repo="b.bin", repo_id="ada/x")
    return hub


def test_a_healthy_hub_has_no_problems(filled: Hub) -> None:
    report = check(filled, deep=True)
    assert (report.repos, report.files, report.problems) == (1, 1, ())
    assert report.xorbs >= 1


def test_a_lost_xorb_is_named(filled: Hub) -> None:
    lost = objects(filled, "xorb")[0]
    lost.unlink()
    key = lost.relative_to(filled.registry.store.root)
    assert f"{key} is missing from the store" in check(filled).problems


def test_a_truncated_xorb_is_named(filled: Hub) -> None:
    short = objects(filled, "xorb")[0]
    os.truncate(short, 100)
    assert any("has 100 bytes in the store" in problem for problem in check(filled).problems)


def test_flipped_bytes_are_found_by_reading(filled: Hub) -> None:
    with objects(filled, "xorb")[0].open("r+b") as file:
        file.seek(5000)
        file.write(b"flipped")
    assert check(filled).problems == ()
    assert len(check(filled, deep=True).problems) == 1


def test_a_lost_git_object_is_named(filled: Hub) -> None:
    blobs = schema.git_object.c.kind == 3
    with filled.registry.db.write() as conn:
        conn.execute(delete(schema.git_object).where(blobs))
    assert any("blob" in problem for problem in check(filled).problems)
