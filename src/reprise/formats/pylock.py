"""pylock.toml, PEP 751: Python packages pinned to versions and file hashes.

What we write is the part that we need: exact versions and wheels with SHA-256. What others write
is read as far as it says the same; source trees and archives are kept as a reason why a package
cannot be installed without running code.
"""

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from reprise.base.digests import is_sha256
from reprise.base.errors import InvalidFormat

MAX_SIZE = 16 << 20  # bytes of one lock
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SOURCES = ("sdist", "archive", "vcs", "directory")


@dataclass(frozen=True)
class Wheel:
    """One wheel file.

    Attributes:
        filename: `name-version-tags.whl`.
        sha256: Of the file.
        url: Where it was found, without credentials, or a path relative to the lock. A hint
            only: the hash decides.
        size: In bytes, when known.
    """

    filename: str
    sha256: str
    url: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class LockedPackage:
    """One package at one version.

    Attributes:
        name: Normalized: lower case, runs of `-_.` as one `-`.
        version: Exact.
        wheels: For one or several platforms; empty when there are only sources.
        marker: For which environments it is needed, or None for all.
    """

    name: str
    version: str
    wheels: tuple[Wheel, ...] = ()
    marker: str | None = None


@dataclass(frozen=True)
class Lock:
    """All packages of an environment, sorted by name."""

    packages: tuple[LockedPackage, ...]
    requires_python: str | None = None
    created_by: str = "reprise"


def read(text: str) -> Lock:
    """Parse the text of a pylock.toml.

    Raises:
        InvalidFormat: It is not TOML, of another major version, or breaks the specification.
    """
    if len(text) > MAX_SIZE:
        raise InvalidFormat(f"A lock of more than {MAX_SIZE >> 20} MiB is not read.")
    try:
        value = tomllib.loads(text)
        version = str(value["lock-version"])
        if version.partition(".")[0] != "1":
            raise InvalidFormat(f"pylock.toml has version {version}; this reads version 1.")
        packages = [_package(item) for item in value.get("packages", [])]
        requires = value.get("requires-python")
        _check_words(packages, requires)
        return Lock(
            tuple(sorted(packages, key=lambda package: (package.name, package.version))),
            None if requires is None else str(requires),
            str(value["created-by"]),
        )
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidFormat(f"pylock.toml is not TOML: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidFormat(f"pylock.toml is incomplete: {error!r}") from None


def write(lock: Lock) -> str:
    """Return the text of a lock, the same for the same lock."""
    lines = ['lock-version = "1.0"']
    if lock.requires_python:
        lines.append(f"requires-python = {_quoted(lock.requires_python)}")
    lines.append(f"created-by = {_quoted(lock.created_by)}")
    for package in lock.packages:
        lines += ["", "[[packages]]", f"name = {_quoted(package.name)}"]
        lines.append(f"version = {_quoted(package.version)}")
        if package.marker:
            lines.append(f"marker = {_quoted(package.marker)}")
        lines += [line for wheel in package.wheels for line in _wheel_lines(wheel)]
    return "\n".join(lines) + "\n"


def without_credentials(url: str) -> str:
    """Remove user and password from a URL, and its fragment."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def filename_of(url: str) -> str:
    """Return the last part of a URL's path, decoded."""
    return unquote(urlsplit(url).path).rpartition("/")[2]


def _package(item: dict[str, Any]) -> LockedPackage:
    name, version = item["name"], str(item.get("version", ""))
    if not _NAME.fullmatch(name):
        raise InvalidFormat(f"pylock.toml names a package {name!r}, which is not normalized.")
    wheels = tuple(_wheel(wheel) for wheel in item.get("wheels", []))
    if not wheels and not any(source in item for source in _SOURCES):
        raise InvalidFormat(f"pylock.toml has no file for {name}.")
    if wheels and not version:
        raise InvalidFormat(f"pylock.toml gives no version for {name}.")
    marker = item.get("marker")
    return LockedPackage(name, version, wheels, None if marker is None else str(marker))


def _check_words(packages: list[LockedPackage], requires: object) -> None:
    """Raise for versions and markers that nobody could evaluate later; all are ValueErrors."""
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    SpecifierSet(str(requires or ""))
    for package in packages:
        if package.version:
            Version(package.version)
        if package.marker is not None:
            Marker(package.marker)


def _wheel(item: dict[str, Any]) -> Wheel:
    digest = item["hashes"].get("sha256", "")
    if not is_sha256(digest):
        raise InvalidFormat("pylock.toml has a wheel without a SHA-256.")
    url = item.get("url") or item.get("path")
    filename = item.get("name") or filename_of(url or "")
    if not filename.endswith(".whl") or "/" in filename or "\\" in filename:
        raise InvalidFormat(f"pylock.toml has a wheel by the name {filename!r}.")
    size = item.get("size")
    return Wheel(
        filename, digest, without_credentials(url) if url else None,
        size if isinstance(size, int) else None,
    )  # fmt: skip


def _wheel_lines(wheel: Wheel) -> list[str]:
    lines = ["", "[[packages.wheels]]", f"name = {_quoted(wheel.filename)}"]
    key = "url" if wheel.url and "://" in wheel.url else "path"
    lines.append(f"{key} = {_quoted(wheel.url or wheel.filename)}")
    if wheel.size is not None:
        lines.append(f"size = {wheel.size}")
    return [*lines, f'hashes = {{ sha256 = "{wheel.sha256}" }}']


def _quoted(text: str) -> str:
    """Quote as a TOML basic string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
