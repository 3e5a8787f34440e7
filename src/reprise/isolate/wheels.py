"""Wheels: choose the one that fits an interpreter, and unpack it without running anything."""

import base64
import csv
import hashlib
import io
import stat
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from reprise.base.errors import CorruptContent, IncompatibleDependencies, InvalidFormat
from reprise.formats.pylock import Lock, LockedPackage, Wheel
from reprise.isolate.interpreter import Interpreter

_CHUNK = 1 << 20
# Deflate cannot shrink by more; a wheel that claims to is not one.
_MAX_RATIO = 1100
_MAX_UNPACKED = 32 << 30
_SCRIPT = """#!/bin/sh
'''exec' "$(dirname "$(realpath "$0")")/python" "$0" "$@"
' '''
import sys
from {module} import {first}
if __name__ == "__main__":
    sys.exit({target}())
"""


def select(lock: Lock, interpreter: Interpreter) -> list[tuple[LockedPackage, Wheel]]:
    """Choose one wheel of each package that an interpreter needs.

    Raises:
        IncompatibleDependencies: A package has no wheel for it, or the lock is for another Python.
    """
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

    if lock.requires_python and interpreter.full_version not in SpecifierSet(lock.requires_python):
        raise IncompatibleDependencies(
            f"The lock is for Python {lock.requires_python}, this is {interpreter.full_version}.",
            hint="Lock again for this interpreter, or name one that fits.",
        )
    ranks = {tag: rank for rank, tag in enumerate(interpreter.tags)}
    markers = dict(interpreter.markers)
    return [
        (package, _best(package, ranks, interpreter))
        for package in lock.packages
        if package.marker is None or Marker(package.marker).evaluate(markers)
    ]


def check(path: Path, wheel: Wheel) -> None:
    """Compare a file with its SHA-256.

    Raises:
        CorruptContent: They differ.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wheel.sha256:
        raise CorruptContent(
            f"{wheel.filename} has SHA-256 {found}, but the lock says {wheel.sha256}.",
            hint="Somebody changed the file, or the lock is for another build of it.",
        )


def unpack(path: Path, prefix: Path, short_version: str) -> None:
    """Unpack a wheel into the folders of an installation below `prefix`.

    Every file is compared with the wheel's own record. Nothing of the wheel runs.

    Args:
        path: The wheel.
        prefix: An empty folder.
        short_version: Of the interpreter: `3.11`.

    Raises:
        InvalidFormat: It is no wheel, or files in it point outside.
        CorruptContent: A file differs from the record.
    """
    site = prefix / "lib" / f"python{short_version}" / "site-packages"
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, prefix, site)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise InvalidFormat(f"{path.name} is not a wheel: {error}") from None


def _best(package: LockedPackage, ranks: dict[str, int], interpreter: Interpreter) -> Wheel:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    fitting = []
    for wheel in package.wheels:
        try:
            tags = parse_wheel_filename(wheel.filename)[3]
        except InvalidWheelFilename:
            continue
        rank = min((ranks[str(tag)] for tag in tags if str(tag) in ranks), default=None)
        if rank is not None:
            fitting.append((rank, wheel.filename, wheel))
    if not fitting:
        raise IncompatibleDependencies(
            f"{package.name} {package.version} has no wheel in the lock for Python "
            f"{interpreter.full_version} on {dict(interpreter.markers).get('platform_machine')}.",
            hint="Lock again on this machine, or build a wheel of it once.",
        )
    return min(fitting)[2]


def _unpack(archive: zipfile.ZipFile, prefix: Path, site: Path) -> None:
    members = [item for item in archive.infolist() if not item.is_dir()]
    if sum(item.file_size for item in members) > _MAX_UNPACKED:
        raise InvalidFormat("unpacked it would be larger than 32 GiB.")
    info = _info_folder(members)
    record = _record(archive, f"{info}/RECORD")
    base = info.removesuffix(".dist-info")
    targets = [_target(item, base, prefix, site) for item in members]  # all, before any is written
    for item, target in zip(members, targets, strict=True):
        expected = record.get(item.filename)
        if expected is None and not item.filename.startswith(f"{info}/RECORD"):
            raise CorruptContent(f"{item.filename} is not in the wheel's record.")
        _extract(archive, item, target, expected)
    entry_points = site / info / "entry_points.txt"
    if entry_points.is_file():
        _write_scripts(entry_points.read_text(encoding="utf-8"), prefix / "bin")


def _info_folder(members: list[zipfile.ZipInfo]) -> str:
    found = {item.filename.partition("/")[0] for item in members}
    folders = sorted(name for name in found if name.endswith(".dist-info"))
    if len(folders) != 1 or not any(m.filename == f"{folders[0]}/WHEEL" for m in members):
        raise InvalidFormat("it has no single .dist-info folder with a WHEEL file.")
    return folders[0]


def _record(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Return path -> `algorithm=digest` of the wheel's record."""
    try:
        text = archive.read(name).decode()
    except KeyError:
        raise InvalidFormat("it has no RECORD.") from None
    rows = csv.reader(io.StringIO(text))
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[1]}


def _target(item: zipfile.ZipInfo, base: str, prefix: Path, site: Path) -> Path:
    """Return where a member belongs; `base` is `name-version`."""
    parts = item.filename.split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in item.filename:
        raise InvalidFormat(f"{item.filename!r} points outside the wheel.")
    if stat.S_ISLNK(item.external_attr >> 16):
        raise InvalidFormat(f"{item.filename!r} is a symbolic link.")
    if parts[0] != f"{base}.data":
        return site.joinpath(*parts)
    name = base.partition("-")[0]
    places = {"purelib": site, "platlib": site, "scripts": prefix / "bin", "data": prefix,
              "headers": prefix / "include" / "site" / name}  # fmt: skip
    if len(parts) < 3 or parts[1] not in places:  # noqa: PLR2004 - folder, scheme, file
        raise InvalidFormat(f"{item.filename!r} has no place in an installation.")
    return places[parts[1]].joinpath(*parts[2:])


def _extract(
    archive: zipfile.ZipFile, item: zipfile.ZipInfo, target: Path, expected: str | None
) -> None:
    if item.file_size > max(item.compress_size, 1) * _MAX_RATIO:
        raise InvalidFormat(f"{item.filename!r} claims to be compressed more than possible.")
    algorithm, _, wanted = (expected or "sha256=").partition("=")
    digest = hashlib.new(algorithm) if algorithm in {"sha256", "sha384", "sha512"} else None
    if digest is None:
        raise InvalidFormat(f"{item.filename!r} is recorded with {algorithm!r}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(item) as source, target.open("xb") as file:
        for chunk in iter(lambda: source.read(_CHUNK), b""):
            digest.update(chunk)
            file.write(chunk)
    found = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    if expected is not None and found != wanted.rstrip("="):
        raise CorruptContent(f"{item.filename} differs from the wheel's record.")
    is_program = item.external_attr >> 16 & 0o111 or target.parent.name == "bin"
    if target.parent.name == "bin":
        _make_relocatable(target)
    target.chmod(0o555 if is_program else 0o444)


def _make_relocatable(script: Path) -> None:
    """Let a script of the wheel run under the interpreter that lies beside it."""
    data = script.read_bytes()
    if data.startswith(b"#!python"):
        _, _, rest = data.partition(b"\n")
        head = _SCRIPT.partition("import sys")[0].encode()
        script.write_bytes(head + rest)


def _write_scripts(text: str, folder: Path) -> None:
    for name, module, target in _console_scripts(text):
        folder.mkdir(parents=True, exist_ok=True)
        first = target.partition(".")[0]
        path = folder / name
        path.unlink(missing_ok=True)
        path.write_text(_SCRIPT.format(module=module, first=first, target=target))
        path.chmod(0o555)


def _console_scripts(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, module and function of each console script that is well-formed."""
    parser = ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(text)
        items = parser.items("console_scripts") if "console_scripts" in parser else []
    except ConfigError:
        return
    for name, reference in items:
        module, _, target = reference.partition("[")[0].strip().partition(":")
        words = [*module.split("."), *target.strip().split(".")]
        if all(word.isidentifier() for word in words) and "/" not in name and ".." not in name:
            yield name, module.strip(), target.strip()
