"""A hub's log as files that anybody can keep, check and publish as a data set `verdicts`.

Written are:

    log.jsonl        every entry: body, leaf, and the signed envelope where its claim is public
    head.json        the signed head over exactly these entries
    verdicts.jsonl   the public verdicts as rows, for people and viewers
    README.md        what this is, with the configurations that viewers read
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.base.errors import CorruptContent
from reprise.base.files import write_bytes
from reprise.formats import dsse, log_head, merkle, verdict
from reprise.formats.log_head import Head
from reprise.hub import catalogue, settings, verdict_log

LOG, HEAD, ROWS, README = "log.jsonl", "head.json", "verdicts.jsonl", "README.md"
_CARD = """---
pretty_name: Verdicts
tags:
- verdicts
configs:
- config_name: verdicts
  default: true
  data_files: verdicts.jsonl
- config_name: log
  data_files: log.jsonl
---
# Verdicts of {endpoint}

Every verdict on a public claim, and every revoked key, in the order in which the hub took them in:
{size} entries, with the head that the hub signed {at}.

`log.jsonl` is the log. The RFC 6962 hash of each `body` is its `leaf`; over all leaves the head of
the tree is `root` in `head.json`, signed by {hub}.
A `verdict` names its envelope (in-toto, DSSE) by SHA-256. Entries without an envelope are verdicts
on claims that are not public. `verdicts.jsonl` has the same verdicts as rows.
"""


def export(folder: Path, *, endpoint: str | None = None) -> Head:
    """Check a hub's log and write it to a folder; an older export there must be its beginning.

    Returns:
        The head of what was written.

    Raises:
        CorruptContent: The log is not sound, or not the one that was exported before.
    """
    base = endpoint or settings.endpoint()
    checked = verdict_log.check(base)
    sealed = catalogue.ask("GET", "/api/log/head", about="the log", endpoint=base)
    head = log_head.unseal(json.dumps(sealed).encode())
    rows = list(verdict_log.entries(base, head.size))
    leaves = [merkle.leaf_hash(str(row.get("body")).encode()) for row in rows]
    if merkle.head(leaves) != head.root or head.key != checked.head.key:
        raise CorruptContent("The log changed while it was read.", hint="Try again.")
    _check_older(folder, leaves)
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / LOG, _lines(rows))
    write_bytes(folder / ROWS, _lines([_row(row) for row in rows if row.get("envelope")]))
    write_bytes(folder / README, _card(base, head).encode())
    write_bytes(folder / HEAD, (json.dumps(sealed, indent=2) + "\n").encode())
    return head


def _check_older(folder: Path, leaves: list[bytes]) -> None:
    """Refuse to write over an export that this log does not continue."""
    place = folder / HEAD
    if not place.exists():
        return
    older = log_head.unseal(place.read_bytes())
    if older.size > len(leaves) or merkle.head(leaves[: older.size]) != older.root:
        raise CorruptContent(
            f"The log does not begin with the {older.size} entries in {folder}.",
            hint="Entries were changed or removed since. Keep that folder: it is the proof.",
        )


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict as one flat row; columns that have no value are null."""
    envelope = dsse.decode(json.dumps(entry["envelope"]).encode())
    found = verdict.from_dict(dict(dsse.decode_statement(envelope.payload).predicate))
    low, high = found.ci or (None, None)
    return {
        "index": entry["index"], "at": entry["at"], "claim": found.claim,
        "model": _named(found.subjects, "model:"), "data": _named(found.subjects, "data:"),
        "level": found.level.value, "outcome": found.outcome.value, "claimed": found.claimed,
        "value": found.value, "ci_low": low, "ci_high": high, "unit": found.unit, "n": found.n,
        "signature": found.signature, "key": envelope.signatures[0].keyid,
        "machine": found.hardware.get("machine"), "made_at": found.made_at,
    }  # fmt: skip


def _named(subjects: Mapping[str, str], prefix: str) -> str | None:
    return next((name.removeprefix(prefix) for name in subjects if name.startswith(prefix)), None)


def _card(endpoint: str, head: Head) -> str:
    return _CARD.format(endpoint=endpoint, size=head.size, at=head.at, hub=head.hub)


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
