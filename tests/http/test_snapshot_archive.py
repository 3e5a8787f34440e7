"""The archive of small files that a live hub makes for its own clients."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from reprise.hub.small_files import SmallFiles
from reprise.hub.snapshots import Options, open_snapshot
from tests.committing import commit, put_large, store_large
from tests.factories import Hub, make_repo

FILES = {f"lib/part{n}.py": f"x = {n}\n".encode() for n in range(20)}
WEIGHTS = b"w" * 70_000


@pytest.fixture
def sha(online: Hub) -> str:
    repo = make_repo(online.registry, "ada/net", private=True)
    store_large(online.registry, repo, WEIGHTS)
    return commit(online.registry, "ada/net", FILES, {}, put_large("model.bin", WEIGHTS))


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_an_archive_without_large_files_has_a_tag_of_its_own(online: Hub, sha: str) -> None:
    client = online.client(online.token)
    whole = client.get(f"/github/ada/net/zipball/{sha}")
    small = client.get(f"/github/ada/net/zipball/{sha}?large=skip")
    names = [
        {name.partition("/")[2] for name in zipfile.ZipFile(BytesIO(it.content)).namelist()}
        for it in (whole, small)
    ]
    assert names[0] - names[1] == {"model.bin"}
    assert whole.headers["etag"] != small.headers["etag"]
    assert int(small.headers["content-length"]) == len(small.content) < len(WEIGHTS)


@pytest.mark.usefixtures("sha")
def test_a_snapshot_by_archive_is_the_one_by_single_files(monkeypatch) -> None:
    left: list[int] = []
    real = SmallFiles.fetch

    def watched(self: SmallFiles, wanted, into):
        left.append(len([file for file in wanted if not file.is_large]))
        return real(self, wanted, into)

    monkeypatch.setattr(SmallFiles, "fetch", watched)
    by_archive = files(open_snapshot("ada/net", Options()).folder)
    monkeypatch.setattr("reprise.hub.bundled_files._WORTH", 10_000)
    one_by_one = files(open_snapshot("ada/net", Options(force_reload=True)).folder)
    assert by_archive == one_by_one
    assert by_archive.items() >= (FILES | {"model.bin": WEIGHTS}).items()
    assert left == [0, len(one_by_one) - 1]
