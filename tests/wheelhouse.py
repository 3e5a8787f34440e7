"""Tiny wheels, written by hand, so that no test needs a network."""

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from reprise.formats.pylock import Lock, LockedPackage, Wheel

TAGS = "py3-none-any"


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, str] | None = None,
    requires: Iterable[str] = (),
    tags: str = TAGS,
) -> Path:
    """Write a wheel whose only module says its version, plus `files` by path."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {line}" for line in requires]
    content = {
        f"{name}/__init__.py": f"version = {version!r}\n",
        **(files or {}),
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tags}\n",
    }
    rows = [f"{path},{record_digest(text)},{len(text)}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    return write_zip(folder / f"{name}-{version}-{tags}.whl", content)


def write_zip(path: Path, content: Mapping[str, str]) -> Path:
    """Write a zip with these members, always the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


def record_digest(text: str) -> str:
    """Return the digest of a member as a RECORD writes it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


def wheel_of(path: Path) -> Wheel:
    """Describe a wheel file as a lock does."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(path.name, digest, path.as_uri(), path.stat().st_size)


def lock_of(*paths: Path) -> Lock:
    """Lock wheel files."""
    packages = [LockedPackage(*path.name.split("-")[:2], (wheel_of(path),)) for path in paths]
    return Lock(tuple(sorted(packages, key=lambda package: package.name)))
