"""A `reprise.lock` in the words of others, for reading: CycloneDX, SPDX, Croissant, RO-Crate."""

from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from reprise.base.errors import InvalidInput
from reprise.formats.pylock import Lock
from reprise.formats.reprise_lock import LockedCode, LockedData, LockedRepo, RepriseLock
from reprise.formats.ro_crate import crate

FORMATS = ("croissant", "cyclonedx", "ro-crate", "spdx")
_CROISSANT = "http://mlcommons.org/croissant/1.0"
_ENCODINGS = {
    "csv": "text/csv", "json": "application/json", "jsonl": "application/jsonlines",
    "parquet": "application/vnd.apache.parquet", "txt": "text/plain",
}  # fmt: skip


def export(lock: RepriseLock, form: str, packages: Lock | None = None) -> dict[str, Any]:
    """Return a lock in one of `FORMATS`, as JSON values.

    Args:
        lock: What to say.
        form: `croissant` (the data sets), `cyclonedx`, `ro-crate` or `spdx` (everything).
        packages: The Python packages.

    Raises:
        InvalidInput: An unknown format, or Croissant of a lock without data.
    """
    match form:
        case "croissant":
            return _croissant(lock)
        case "cyclonedx":
            return _cyclonedx(lock, packages)
        case "ro-crate":
            return crate(lock, packages)
        case "spdx":
            return _spdx(lock, packages)
    raise InvalidInput(f"There is no export {form!r}; there are {', '.join(FORMATS)}.")


def _cyclonedx(lock: RepriseLock, packages: Lock | None) -> dict[str, Any]:
    components = [_component(item) for item in lock.repos]
    components += [
        {
            "type": "library", "bom-ref": _purl(it.name, it.version), "name": it.name,
            "version": it.version, "purl": _purl(it.name, it.version),
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256} for wheel in it.wheels],
        }
        for it in (packages.packages if packages else ())
    ]  # fmt: skip
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "serialNumber": f"urn:uuid:{_uuid(lock)}",
        "metadata": {"properties": [{"name": "reprise:lock", "value": lock.short_id}]},
        "components": components,
    }  # fmt: skip


def _component(item: LockedRepo) -> dict[str, Any]:
    kind = "machine-learning-model"
    if isinstance(item, LockedCode | LockedData):
        kind = "library" if isinstance(item, LockedCode) else "data"
    found: dict[str, Any] = {
        "type": kind, "bom-ref": _ref(item), "name": item.repo, "version": item.commit,
        "hashes": [{"alg": "SHA-256", "content": item.tree_sha256}],
        "components": [
            {"type": "file", "name": file.path,
             "hashes": [{"alg": "SHA-256", "content": file.sha256}]}
            for file in getattr(item, "file", ())
        ],
    }  # fmt: skip
    if named := getattr(item, "license", None):
        found["licenses"] = [{"license": {"name": named}}]
    return found


def _spdx(lock: RepriseLock, packages: Lock | None) -> dict[str, Any]:
    found = [
        {
            "SPDXID": f"SPDXRef-{_word(_ref(item))}", "name": item.repo,
            "versionInfo": item.commit, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "checksums": [{"algorithm": "SHA256", "checksumValue": item.tree_sha256}],
            "licenseDeclared": "NOASSERTION",
        }
        for item in lock.repos
    ]  # fmt: skip
    found += [
        {
            "SPDXID": f"SPDXRef-pypi-{_word(it.name)}-{_word(it.version)}", "name": it.name,
            "versionInfo": it.version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": _purl(it.name, it.version)}],
            "licenseDeclared": "NOASSERTION",
        }
        for it in (packages.packages if packages else ())
    ]  # fmt: skip
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": lock.short_id, "documentNamespace": f"urn:uuid:{_uuid(lock)}",
        # A lock says nothing of when it was made: equal locks are equal documents.
        "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: reprise"]},
        "packages": found,
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
             "relatedSpdxElement": item["SPDXID"]}
            for item in found
        ],
    }  # fmt: skip


def _croissant(lock: RepriseLock) -> dict[str, Any]:
    if not lock.dataset:
        raise InvalidInput(
            "Croissant describes data sets, and this lock has none.",
            hint="Add one with: reprise lock --data OWNER/NAME",
        )
    graph = [_dataset(item) for item in lock.dataset]
    context = {
        "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": _CROISSANT[:-3],
        "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
    }  # fmt: skip
    if len(graph) == 1:
        return {"@context": context, **graph[0]}
    return {"@context": context, "@graph": graph}


def _dataset(item: LockedData) -> dict[str, Any]:
    return {
        "@type": "sc:Dataset", "name": item.name, "conformsTo": _CROISSANT,
        "version": item.commit, "identifier": item.repo,
        "distribution": [
            {
                "@type": "cr:FileObject", "@id": file.path, "name": file.path,
                "contentUrl": file.path, "contentSize": f"{file.size} B", "sha256": file.sha256,
                "encodingFormat": _encoding(file.path),
            }
            for file in item.file
        ],
    }  # fmt: skip


def _encoding(path: str) -> str:
    return _ENCODINGS.get(path.rpartition(".")[2].lower(), "application/octet-stream")


def _uuid(lock: RepriseLock) -> str:
    return str(uuid5(NAMESPACE_URL, f"reprise:{lock.digest}"))


def _ref(item: LockedRepo) -> str:
    kind = type(item).__name__.removeprefix("Locked").lower()
    return f"{kind}:{item.name}@{item.commit}"


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{quote(name)}@{quote(version)}"


def _word(text: str) -> str:
    """Return a text as SPDX allows it in an id."""
    return "".join(it if it.isascii() and (it.isalnum() or it in ".-") else "-" for it in text)
