"""Hostile wheels: nothing is written outside, nothing runs, nothing half-made stays."""

import csv
import io
import stat
import zipfile
from pathlib import Path

import pytest

from reprise.base.errors import CorruptContent, InvalidFormat, RepriseError
from reprise.isolate.environments import build
from tests.wheelhouse import lock_of, make_wheel, record_digest, write_zip

INFO = "evil-1.0.dist-info"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def evil_wheel(folder: Path, content: dict[str, str], *, record: bool = True) -> Path:
    """Write a wheel with any member names, each properly recorded."""
    members = {f"{INFO}/WHEEL": WHEEL, **content}
    if record:
        table = io.StringIO()
        rows = [[name, record_digest(text), len(text)] for name, text in members.items()]
        csv.writer(table).writerows([*rows, [f"{INFO}/RECORD", "", ""]])
        members[f"{INFO}/RECORD"] = table.getvalue()
    folder.mkdir(exist_ok=True)
    return write_zip(folder / "evil-1.0-py3-none-any.whl", members)


def refuse(tmp_path: Path, wheel: Path, kind: type[RepriseError] = InvalidFormat) -> str:
    root = tmp_path / "root"
    with pytest.raises(kind) as caught:
        build(lock_of(wheel), root)
    assert list(root.glob("wheels/*")) == []
    assert [path for path in root.iterdir() if not path.name.startswith(".locks")] == [
        root / "wheels"
    ]
    return caught.value.message


@pytest.mark.parametrize(
    "name",
    ["../../outside.py", "/outside.py", "evil/../../../outside.py", "evil\\..\\outside.py",
     "evil//x.py", "evil-1.0.data/data/../../outside.py", "evil-1.0.data/scripts/../x"],
)  # fmt: skip
def test_files_cannot_point_outside(tmp_path: Path, name: str) -> None:
    message = refuse(tmp_path, evil_wheel(tmp_path / "shelf", {name: "x"}))
    assert "points outside" in message
    assert not list(tmp_path.rglob("outside.py"))


@pytest.mark.parametrize("name", ["evil-1.0.data/nowhere/x", "evil-1.0.data/x"])
def test_files_need_a_known_place(tmp_path: Path, name: str) -> None:
    assert "no place" in refuse(tmp_path, evil_wheel(tmp_path / "shelf", {name: "x"}))


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil-1.0-py3-none-any.whl"
    link = zipfile.ZipInfo("evil/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{INFO}/WHEEL", WHEEL)
        archive.writestr(f"{INFO}/RECORD", f"evil/link,{record_digest('/etc')},4\n")
        archive.writestr(link, "/etc")
    assert "symbolic link" in refuse(tmp_path, path)


def test_a_file_that_differs_from_the_record_is_refused(tmp_path: Path) -> None:
    content = {"evil/a.py": "x", f"{INFO}/RECORD": f"evil/a.py,{record_digest('y')},1\n"}
    wheel = evil_wheel(tmp_path / "shelf", content, record=False)
    assert "not in the wheel's record" in refuse(tmp_path, wheel, CorruptContent)
    content[f"{INFO}/RECORD"] += f"{INFO}/WHEEL,{record_digest(WHEEL)},1\n"
    wheel = evil_wheel(tmp_path / "shelf", content, record=False)
    assert "differs from the wheel's record" in refuse(tmp_path, wheel, CorruptContent)


def test_a_weak_digest_in_the_record_is_refused(tmp_path: Path) -> None:
    record = f"evil/a.py,md5=abc,1\n{INFO}/WHEEL,{record_digest(WHEEL)},1\n"
    content = {"evil/a.py": "x", f"{INFO}/RECORD": record}
    assert "md5" in refuse(tmp_path, evil_wheel(tmp_path / "shelf", content, record=False))


def test_a_wheel_without_record_or_with_two_infos_is_refused(tmp_path: Path) -> None:
    wheel = evil_wheel(tmp_path / "shelf", {"evil/a.py": "x"}, record=False)
    assert "no RECORD" in refuse(tmp_path, wheel)
    wheel = evil_wheel(tmp_path / "shelf", {"other-1.0.dist-info/WHEEL": WHEEL})
    assert "no single .dist-info" in refuse(tmp_path, wheel)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + b"\0" * 10])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "evil-1.0-py3-none-any.whl"
    path.write_bytes(data)
    assert "not a wheel" in refuse(tmp_path, path)


def test_a_wheel_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = evil_wheel(tmp_path / "shelf", {"evil/a.py": "x"})
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)  # central entry of a.py
    data[place + 24 : place + 28] = (0xFFFFFFF0).to_bytes(4, "little")  # its unpacked size
    path.write_bytes(data)
    assert "compressed more than possible" in refuse(tmp_path, path)


@pytest.mark.parametrize(
    "line",
    ["evil = os:system('x')", "../evil = evil:run", "evil = evil", "evil = :run",
     "evil = evil:run\n'''\nimport os", "= evil:run", "evil = evil;import os:run"],
)  # fmt: skip
def test_entry_points_cannot_smuggle_code_into_programs(tmp_path: Path, line: str) -> None:
    text = f"[console_scripts]\n{line}\n"
    wheel = evil_wheel(tmp_path / "shelf", {f"{INFO}/entry_points.txt": text})
    made = build(lock_of(wheel), tmp_path / "root")
    programs = sorted(path.name for path in (made.folder / "bin").iterdir())
    assert [name for name in programs if not name.startswith("python")] == []
    assert not list((tmp_path / "root").rglob("evil"))


def test_nothing_of_a_wheel_runs_while_it_is_installed(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w')"
    wheel = make_wheel(
        tmp_path / "shelf", "quiet",
        files={"quiet.pth": f"import os; {code}\n", "sitecustomize.py": code,
               "quiet/__init__.py": code, "compileall.py": code, "encodings/evil.py": code},
    )  # fmt: skip
    build(lock_of(wheel), tmp_path / "root")
    assert not marker.exists()


def test_modules_that_are_not_python_do_no_harm(tmp_path: Path) -> None:
    files = {"odd/two.py": "print 1", "odd/deep.py": "(" * 5000, "odd/nul.py": "\0"}
    made = build(lock_of(make_wheel(tmp_path / "shelf", "odd", files=files)), tmp_path / "root")
    assert len(list(made.folder.glob("lib/*/site-packages/odd/*.py"))) == 4
