"""A `reprise.lock` as an RO-Crate 1.1 (`ro-crate-metadata.json`): JSON-LD in words of schema.org.

Repos are data sets and software with their files as parts; packages are software that the crate
requires; metrics and settings are properties of the root.
"""

from typing import Any
from urllib.parse import quote

from reprise.formats.pylock import Lock
from reprise.formats.reprise_lock import (
    NAME,
    LockedCode,
    LockedData,
    LockedRepo,
    RepriseLock,
)

_PROFILE = "https://w3id.org/ro/crate/1.1"
_CONTEXT = f"{_PROFILE}/context"
# RO-Crate has no word for SHA-256; schema.org has had this one since its version 15.
_TERMS = {"sha256": "https://schema.org/sha256"}
_NOBODY = "Not stated: the lock does not say it."


def crate(lock: RepriseLock, packages: Lock | None) -> dict[str, Any]:
    """Return a lock as the metadata of a crate.

    Args:
        lock: What to say.
        packages: The Python packages.
    """
    repos = [_repo(item) for item in lock.repos]
    software = [_package(it.name, it.version) for it in (packages.packages if packages else ())]
    metrics = [_value(f"#metric-{it.id}", f"metric {it.id}@{it.version}", it.definition)
               for it in lock.metric]  # fmt: skip
    settings = [_value(f"#setting-{name}", name, value)
                for name, value in {**lock.determinism, **lock.system}.items()]  # fmt: skip
    files = [file for item in lock.repos for file in _files(item)]
    return {
        "@context": [_CONTEXT, _TERMS],
        "@graph": [
            _descriptor(), _root(lock, [*repos, *files], software, [*metrics, *settings]),
            _lock_file(lock),
            *repos, *files, *software, *metrics, *settings,
        ],
    }  # fmt: skip


def _descriptor() -> dict[str, Any]:
    return {
        "@id": "ro-crate-metadata.json", "@type": "CreativeWork",
        "conformsTo": {"@id": _PROFILE}, "about": {"@id": "./"},
    }  # fmt: skip


def _root(
    lock: RepriseLock,
    parts: list[dict[str, Any]],
    software: list[dict[str, Any]],
    properties: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "@id": "./", "@type": "Dataset", "name": lock.short_id,
        "identifier": lock.short_id,
        "description": "Everything that decides a number, pinned by commit and by content.",
        # A lock says nothing of when it was made: equal locks are equal crates.
        "datePublished": "1970-01-01",
        "license": _NOBODY,
        "hasPart": [{"@id": NAME}, *({"@id": item["@id"]} for item in parts)],
        "mentions": [{"@id": item["@id"]} for item in software],
        "variableMeasured": [{"@id": item["@id"]} for item in properties],
    }  # fmt: skip


def _lock_file(lock: RepriseLock) -> dict[str, Any]:
    return {
        "@id": NAME, "@type": "File", "name": NAME, "encodingFormat": "application/toml",
        "description": f"Its digest, over what decides numbers: {lock.digest}",
    }  # fmt: skip


def _repo(item: LockedRepo) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@id": f"{_folder(item)}/", "@type": _type(item), "name": item.name,
        "identifier": item.repo, "version": item.commit, "sha256": item.tree_sha256,
        "hasPart": [{"@id": file["@id"]} for file in _files(item)],
    }  # fmt: skip
    if named := getattr(item, "license", None):
        found["license"] = named
    if isinstance(item, LockedData) and item.content_sha256:
        rows = f"split {item.split}, {item.rows} rows, content {item.content_sha256}"
        found["description"] = rows
    return found


def _type(item: LockedRepo) -> list[str]:
    """Say what a repo is; a folder of a crate is a Dataset whatever else it is."""
    return ["Dataset", "SoftwareSourceCode"] if isinstance(item, LockedCode) else ["Dataset"]


def _files(item: LockedRepo) -> list[dict[str, Any]]:
    return [
        {"@id": f"{_folder(item)}/{quote(file.path)}", "@type": "File", "name": file.path,
         "contentSize": str(file.size), "sha256": file.sha256}
        for file in getattr(item, "file", ())
    ]  # fmt: skip


def _folder(item: LockedRepo) -> str:
    kind = type(item).__name__.removeprefix("Locked").lower()
    return f"{kind}/{quote(item.name)}@{item.commit}"


def _package(name: str, version: str) -> dict[str, Any]:
    return {
        "@id": f"https://pypi.org/project/{quote(name)}/{quote(version)}/",
        "@type": "SoftwareApplication", "name": name, "softwareVersion": version,
    }  # fmt: skip


def _value(identity: str, name: str, value: object) -> dict[str, Any]:
    return {"@id": quote(identity, safe="#"), "@type": "PropertyValue", "name": name,
            "value": str(value)}  # fmt: skip
