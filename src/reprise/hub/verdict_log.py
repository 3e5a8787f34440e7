"""A hub's log of verdicts, held against what was seen of it before.

The newest head that was seen of each hub is remembered, beside what remembers whose code may run. A
newer log must begin with the older one: an entry that was changed, moved or removed is noticed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.digests import sha256_hex
from reprise.base.errors import CorruptContent, HubUnreachable, InvalidFormat
from reprise.base.files import write_bytes
from reprise.formats import dsse, key_statements, log_head, merkle, sshsig
from reprise.formats.log_head import Head
from reprise.formats.reading import Reader
from reprise.hub import catalogue, settings
from reprise.hub.known_hubs import known_hubs

_VERSION = 1
_PAGE = 500  # entries in one request
_MAX_PROOF = 64  # hashes


@dataclass(frozen=True)
class Checked:
    """What a check of a whole log found to be true.

    Attributes:
        head: The head of the log.
        before: How many entries had been seen before; None when the hub is seen the first time.
        verdicts: Verdicts whose signatures were checked.
        hidden: Verdicts on claims that are not public: only their digests are in the log.
        revocations: Keys that were revoked.
    """

    head: Head
    before: int | None
    verdicts: int
    hidden: int
    revocations: int


def head(endpoint: str | None = None) -> Head:
    """Return the signed head of a hub's log; its key must be the one that is remembered.

    Raises:
        NotFound: The hub has no log.
        CorruptContent: The head is not signed by the hub's key.
    """
    base = _base(endpoint)
    answer = catalogue.ask("GET", "/api/log/head", about="the log", endpoint=base)
    found = log_head.unseal(json.dumps(answer).encode())
    known_hubs().check(base, found.key)
    return found


def check(endpoint: str | None = None) -> Checked:
    """Read a hub's whole log and hold it against its head, and its head against the older one.

    Raises:
        CorruptContent: The log is not what it was, or not what its head says, or a verdict in it
            is not signed by the key that it names.
    """
    base = _base(endpoint)
    now, before = head(base), remembered(base)
    if before is not None:
        _check_extends(base, before, now)
    counts = {"verdict": 0, "hidden": 0, "revocation": 0}
    leaves: list[bytes] = []
    for row in entries(base, now.size):
        leaves.append(_checked_leaf(row, len(leaves)))
        hidden = row["kind"] == "verdict" and row.get("envelope") is None
        counts["hidden" if hidden else row["kind"]] += 1
    if len(leaves) != now.size or merkle.head(leaves) != now.root:
        raise _changed(base, "its entries do not give the head that the hub signed")
    remember(base, now)
    return Checked(
        now, before.size if before else None, counts["verdict"], counts["hidden"],
        counts["revocation"],
    )  # fmt: skip


def entries(endpoint: str | None, size: int) -> Iterator[dict[str, Any]]:
    """Yield the first `size` entries of a log as the hub gives them, unchecked."""
    start = 0
    while start < size:
        path = f"/api/log/entries?from={start}&limit={_PAGE}"
        answer = catalogue.ask("GET", path, about="the log", endpoint=endpoint)
        rows = answer.get("entries") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not rows:
            return
        yield from rows[: size - start]
        start += len(rows)


def remembered(endpoint: str) -> Head | None:
    """Return the newest head that was seen of a hub, if any."""
    sealed = _read(_file()).get(endpoint)
    if sealed is None:
        return None
    return Head(
        sshsig.public_key(sealed["key"]), sealed["size"], bytes.fromhex(sealed["root"]),
        sealed["at"],
    )  # fmt: skip


def remember(endpoint: str, seen: Head) -> None:
    """Remember a head as the newest one of a hub, unless a longer one is known."""
    from filelock import FileLock

    place = _file()
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_name(f"{place.name}.lock")):
        hubs = _read(place)
        if endpoint in hubs and hubs[endpoint]["size"] > seen.size:
            return
        hubs[endpoint] = {
            "key": sshsig.public_line(seen.key), "size": seen.size, "root": seen.root.hex(),
            "at": seen.at,
        }  # fmt: skip
        data = json.dumps({"version": _VERSION, "hubs": hubs}, indent=2) + "\n"
        write_bytes(place, data.encode())


def _check_extends(base: str, before: Head, now: Head) -> None:
    if now.size < before.size:
        raise _changed(base, f"it had {before.size} entries and has {now.size}")
    path = f"/api/log/consistency?from={before.size}&to={now.size}"
    answer = catalogue.ask("GET", path, about="the log", endpoint=base)
    proof = answer.get("proof") if isinstance(answer, dict) else None
    if not isinstance(proof, list) or len(proof) > _MAX_PROOF:
        raise HubUnreachable(f"{base} does not answer like a hub.")
    hashes = [_hash(it) for it in proof]
    if not merkle.extends(before.root, before.size, now.root, now.size, hashes):
        raise _changed(base, f"its first {before.size} entries are not those seen {before.at}")


def _checked_leaf(row: Any, index: int) -> bytes:
    """Return the hash of an entry after checking all that it says about itself."""
    if not isinstance(row, dict) or row.get("index") != index:
        raise CorruptContent(f"Entry {index} of the log is missing.")
    kind, body = row.get("kind"), row.get("body")
    said = _json(body, index)
    if kind not in {"verdict", "revocation"} or said.get("kind") != kind:
        raise CorruptContent(f"Entry {index} of the log says that it is of another kind.")
    if kind == "verdict" and row.get("envelope") is not None:
        _check_envelope(row, said, index)
    if kind == "revocation" and "envelope" in said:
        _check_revocation(said, index)
    return merkle.leaf_hash(str(body).encode())


def _check_envelope(row: dict[str, Any], said: dict[str, Any], index: int) -> None:
    data = json.dumps(row["envelope"]).encode()
    envelope = dsse.decode(data)
    if sha256_hex(dsse.encode(envelope)) != said.get("envelope-sha256"):
        raise CorruptContent(f"Entry {index} of the log names another verdict than the hub shows.")
    dsse.verify(envelope, [sshsig.public_key(str(row.get("key")))])


def _check_revocation(said: dict[str, Any], index: int) -> None:
    """Check that a key revoked itself, where an entry says so."""
    found = key_statements.read(dsse.decode(str(said["envelope"]).encode()))
    if found.does != key_statements.REVOKE or dsse.key_id(found.key) != said.get("key"):
        raise CorruptContent(f"Entry {index} of the log revokes a key that did not say so.")


def _json(body: Any, index: int) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CorruptContent(f"Entry {index} of the log is no JSON.")
    return found


def _changed(base: str, what: str) -> CorruptContent:
    return CorruptContent(
        f"The log of {base} is not what it was: {what}.",
        hint="Verdicts may have been changed or removed. Keep this message and "
        f"{_file()}, compare with a mirror (reprise log export), and tell others.",
    )


def _hash(text: Any) -> bytes:
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        raise HubUnreachable("A proof of the log holds something that is no hash.") from None


def _base(endpoint: str | None) -> str:
    return (endpoint or settings.endpoint()).rstrip("/")


def _file() -> Path:
    return settings.trust_file().with_name("log_heads.json")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return _heads(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError, InvalidFormat) as error:
        raise InvalidFormat(
            f"The file of remembered logs {path} cannot be read: {error}",
            hint="Restore it from a backup; deleting it forgets what was seen of each log.",
        ) from None


def _heads(value: Any) -> dict[str, dict[str, Any]]:
    hubs = value.get("hubs") if isinstance(value, dict) else None
    if not isinstance(hubs, dict) or value.get("version") != _VERSION:
        raise ValueError(f'expected {{"version": {_VERSION}, "hubs": {{…}}}}')
    for each in hubs.values():
        reader = Reader(each)
        sshsig.public_key(reader.text("key"))
        if reader.sha256("root") is None or reader.whole("size") is None:
            raise reader.wrong("", "needs root and size")
        reader.text("at")
    return hubs
