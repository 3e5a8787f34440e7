"""How many numbers a model has: read from the headers of its weights, kept for listing."""

import logging
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select, update

from reprise.base.errors import InvalidInput, RepriseError
from reprise.base.lru import Lru
from reprise.formats import safetensors_header
from reprise.registry import commit_facts, files, repos
from reprise.registry.access import Repo
from reprise.registry.commit_facts import CommitFacts
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import repo as repo_table
from reprise.registry.git import refs
from reprise.registry.registry import Registry
from reprise.registry.stored import StoredFile

HeaderCache = Lru[bytes, dict[str, int]]  # SHA-256 of a safetensors file -> parameters by type

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_MAX_DIGITS = 20
_log = logging.getLogger(__name__)


def count(registry: Registry, facts: CommitFacts, headers: HeaderCache) -> dict[str, int]:
    """Count the numbers in a commit's weights by type; weights that are damaged count as none.

    Reads the headers of large files that `headers` does not know: hold no connection meanwhile.
    """
    total: dict[str, int] = {}
    for counts in _counts(registry, facts, headers):
        for dtype, count in counts.items():
            total[dtype] = total.get(dtype, 0) + count
    return total


def _counts(
    registry: Registry, facts: CommitFacts, headers: HeaderCache
) -> Iterator[dict[str, int]]:
    for body in facts.small_weights:
        yield _count(lambda start, length, body=body: body[start : start + length])
    for file in facts.large_weights:
        known = headers.get(file.sha256)
        yield known if known is not None else headers.put(file.sha256, _count_file(registry, file))


def _count_file(registry: Registry, file: StoredFile) -> dict[str, int]:
    def read(start: int, length: int) -> bytes:
        end = min(start + length, file.size)
        return b"".join(files.open_range(registry, file, start, max(end - start, 0)))

    return _count(read)


def _count(read: Any) -> dict[str, int]:
    prefix = safetensors_header.LENGTH_SIZE
    try:
        length = safetensors_header.header_length(read(0, prefix))
        header = safetensors_header.parse_header(read(prefix, length))
    except (RepriseError, OSError):
        return {}
    return safetensors_header.count_parameters(header)


# -- kept for listing -----------------------------------------------------------------------


def catch_up(registry: Registry, headers: HeaderCache) -> int:
    """Count the parameters of every model whose tip moved, and return how many there were.

    Opens transactions of its own; call it outside of any.
    """
    done = 0
    while (number := _next_due(registry)) is not None:
        done += 1
        try:
            _bring_up_to_date(registry, number, headers)
        except Exception:  # noqa: BLE001 - whatever it is, the others go on
            _log.exception("The parameters of repo number %d could not be counted", number)
            with registry.db.write() as conn:
                _keep(conn, number, None)
    return done


def _next_due(registry: Registry) -> int | None:
    due = select(repo_table.c.id).where(repo_table.c.parameters_due)
    with registry.db.read() as conn:
        return conn.execute(due.order_by(repo_table.c.id).limit(1)).scalar()


def _bring_up_to_date(registry: Registry, number: int, headers: HeaderCache) -> None:
    with registry.db.read() as conn:
        repo = repos.by_number(conn, number)
        tip = _tip(conn, repo) if repo is not None else None
        facts = commit_facts.gather(conn, repo, tip) if repo is not None and tip else None
    total = sum(count(registry, facts, headers).values()) if facts is not None else 0
    with registry.db.write() as conn:
        lock_repo(conn, number)
        repo = repos.by_number(conn, number)
        if repo is not None and _tip(conn, repo) == tip:  # else it stays due
            _keep(conn, number, total or None)


def _tip(conn: Connection, repo: Repo) -> bytes | None:
    return refs.read(conn, repo.id, refs.HEADS + repo.default_branch)


def _keep(conn: Connection, number: int, total: int | None) -> None:
    values = {"parameters": total, "parameters_due": False}
    conn.execute(update(repo_table).where(repo_table.c.id == number).values(values))


# -- asked for in listings ------------------------------------------------------------------


def parse_range(text: str) -> tuple[int | None, int | None]:
    """Read what a listing asks for: `min:6B,max:128B`, either alone, in K, M, B or T.

    Raises:
        InvalidInput: It is something else.

    Example:
        >>> parse_range("min:0.5B,max:7B")
        (500000000, 7000000000)
    """
    found: dict[str, int] = {}
    for part in text.split(","):
        bound, _, amount = part.strip().partition(":")
        number = _amount(amount)
        if bound not in {"min", "max"} or bound in found or number is None:
            raise InvalidInput(
                f"num_parameters cannot be {text!r:.80}; write min:6B,max:128B, or one of the two."
            )
        found[bound] = number
    return found.get("min"), found.get("max")


def _amount(text: str) -> int | None:
    unit = text[-1:].upper() if text[-1:].isalpha() else ""
    whole, dot, rest = text.removesuffix(text[-1:] if unit else "").partition(".")
    digits = (whole, rest) if dot else (whole,)
    if unit not in _UNITS or not all(d.isascii() and d.isdecimal() for d in digits):
        return None
    if len(text) > _MAX_DIGITS:
        return None
    scale: int = 10 ** len(rest)
    return int(whole + rest) * _UNITS[unit] // scale
