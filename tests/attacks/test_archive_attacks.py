"""Archives made to hurt whoever unpacks them."""

import stat
import zipfile
from pathlib import Path

import pytest

from reprise.base.errors import CorruptContent, InvalidId, TooLarge
from reprise.hub.sources.archive import unpack


def archive(tmp_path: Path, *entries: tuple[str, bytes | str, int]) -> Path:
    """Write a ZIP; each entry is name, content and Unix mode."""
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(info, content)
    return path


def file(name: str, content: str = "x") -> tuple[str, str, int]:
    return name, content, stat.S_IFREG | 0o644


def link(name: str, target: str) -> tuple[str, str, int]:
    return name, target, stat.S_IFLNK | 0o777


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "inside" / "snapshot"
    folder.mkdir(parents=True)
    (tmp_path / "inside" / "victim").mkdir()
    (tmp_path / "inside" / "victim" / "keep").write_text("mine")
    return folder


def test_an_honest_archive_is_unpacked(tmp_path: Path, into: Path) -> None:
    path = archive(
        tmp_path,
        ("net-1/", "", stat.S_IFDIR | 0o755),
        file("net-1/hubconf.py", "a"),
        ("net-1/run.sh", "b", stat.S_IFREG | 0o755),
        link("net-1/lib/hubconf.py", "../hubconf.py"),
    )
    assert unpack(path, into) == ["hubconf.py", "lib/hubconf.py", "run.sh"]
    assert (into / "lib/hubconf.py").read_text() == "a"
    assert stat.S_IMODE((into / "run.sh").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "names",
    [
        ["net/../../victim/keep"], ["../victim/", "../victim/keep"], ["/etc/passwd"],
        ["net/../victim"], ["net/a", "other/b"], ["net/a/../b"], ["net//a"], ["net/./a"],
        ["net/.git/hooks/post-checkout"], ["net/.GIT/config"], ["net/git~1/config"],
        ["net\\..\\victim"], ["net/a\\b"], ["net/a\nb"], ["..", "../x"], ["./a"], ["a"],
        ["net/" + "a/" * 600 + "b"],
    ],
)  # fmt: skip
def test_no_entry_leaves_the_folder(tmp_path: Path, into: Path, names: list[str]) -> None:
    path = archive(tmp_path, *(file(name) for name in names))
    with pytest.raises((InvalidId, CorruptContent)):
        unpack(path, into)
    assert list(into.iterdir()) == []
    assert (into.parent / "victim" / "keep").read_text() == "mine"


@pytest.mark.parametrize("target", ["../victim/keep", "/etc/passwd", "../../x", "a/../../victim"])
def test_links_that_point_outside_are_left_out(tmp_path: Path, into: Path, target: str) -> None:
    path = archive(tmp_path, file("net/hubconf.py"), link("net/evil", target))
    assert unpack(path, into) == ["hubconf.py"]
    assert not (into / "evil").is_symlink()


def test_links_that_lead_outside_through_other_links_are_left_out(
    tmp_path: Path, into: Path
) -> None:
    path = archive(
        tmp_path,
        file("net/hubconf.py"),
        link("net/out", "up/../victim"),
        link("net/up", "."),
        link("net/loop", "loop"),
        link("net/nowhere", "missing"),
    )
    assert unpack(path, into) == ["hubconf.py"]
    assert [path.name for path in into.iterdir()] == ["hubconf.py"]


def test_nothing_is_written_through_a_link(tmp_path: Path, into: Path) -> None:
    path = archive(tmp_path, link("net/lib", "../victim"), file("net/lib/keep", "stolen"))
    with pytest.raises(CorruptContent, match="as a file and as a folder"):
        unpack(path, into)
    assert (into.parent / "victim" / "keep").read_text() == "mine"


def test_an_entry_cannot_replace_another(tmp_path: Path, into: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive(tmp_path, file("net/a", "first"), file("net/a", "second"))
    with pytest.raises(CorruptContent, match="broken at 'net/a'"):
        unpack(path, into)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, into: Path) -> None:
    path = archive(tmp_path, file("net/zeros", "\0" * 5_000_000))
    assert path.stat().st_size < 10_000
    with pytest.raises(TooLarge, match="more than 1000000 bytes"):
        unpack(path, into, limit=1_000_000)
    assert list(into.iterdir()) == []


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path: Path, into: Path) -> None:
    path = archive(tmp_path, file("net/zeros", "\0" * 5000))
    real, lie = (5000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(real, lie))
    with pytest.raises(CorruptContent):
        unpack(path, into)


def test_compiled_code_is_left_out(tmp_path: Path, into: Path) -> None:
    path = archive(
        tmp_path, file("net/hubconf.py"), file("net/__pycache__/hubconf.cpython-311.pyc")
    )
    assert unpack(path, into) == ["hubconf.py"]


@pytest.mark.parametrize("keep", [0, 1, 40, 60, -1])
def test_a_truncated_archive_is_corrupt(tmp_path: Path, into: Path, keep: int) -> None:
    path = archive(tmp_path, file("net/hubconf.py", "x" * 100))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CorruptContent):
        unpack(path, into)


def test_a_flipped_bit_is_noticed(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("net/hubconf.py", "print('good')")
    path.write_bytes(path.read_bytes().replace(b"good", b"evil"))
    with pytest.raises(CorruptContent, match="Bad CRC-32"):
        unpack(path, into)


def test_an_encrypted_archive_is_refused(tmp_path: Path, into: Path) -> None:
    path = archive(tmp_path, file("net/a"))
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptContent):
        unpack(path, into)


def test_an_archive_with_too_many_entries_is_refused(tmp_path: Path, into: Path) -> None:
    path = archive(tmp_path, *(file(f"net/{number}") for number in range(11)))
    with pytest.raises(TooLarge, match="more than 10 files"):
        unpack(path, into, max_files=10)
    assert list(into.iterdir()) == []
