"""Zip archives of known length, as Python's own zipfile reads them."""

import io
import stat
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reprise.formats.zip_stream import Member, ZipStream

FILE, FOLDER = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755
NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters="/\\"), min_size=1)


def member(name: str, data: bytes, *, pour: bool) -> Member:
    return Member(name, FILE, len(data), lambda: [data[:3], data[3:]], pour=pour)


@given(st.dictionaries(NAMES, st.tuples(st.binary(), st.booleans())), st.binary(max_size=99))
def test_what_goes_in_comes_out(files: dict[str, tuple[bytes, bool]], comment: bytes) -> None:
    members = [member(name, data, pour=pour) for name, (data, pour) in files.items()]
    zipped = ZipStream(members, seconds=1_700_000_000, comment=comment)
    data = b"".join(zipped)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: content for name, (content, _) in files.items()
        }
        assert archive.comment == comment
    assert (len(data), b"".join(zipped)) == (zipped.length, data)


def test_more_entries_than_16_bits_can_count() -> None:
    zipped = ZipStream([Member(f"{n:05}/", FOLDER) for n in range(70_000)], seconds=0)
    data = b"".join(zipped)
    assert len(data) == zipped.length
    assert len(zipfile.ZipFile(io.BytesIO(data)).infolist()) == 70_000


def test_a_file_larger_than_32_bits_can_say(tmp_path: Path) -> None:
    size, block = (1 << 32) + 5, bytes(1 << 24)

    def zeros() -> list[bytes]:
        return [block] * (size // len(block)) + [b"12345"]

    members = [Member("big", FILE, size, zeros, pour=True), member("after", b"all", pour=False)]
    zipped = ZipStream(members, seconds=0)
    path = tmp_path / "big.zip"
    with path.open("wb") as file:
        for piece in zipped:
            if piece is block:  # a hole: the archive takes no room on the disk
                file.seek(len(block), io.SEEK_CUR)
            else:
                file.write(piece)
    assert path.stat().st_size == zipped.length
    with zipfile.ZipFile(path) as archive:
        assert archive.read("after") == b"all"
        assert archive.getinfo("big").file_size == size
        with archive.open("big") as big:
            assert big.read(4) == bytes(4)
