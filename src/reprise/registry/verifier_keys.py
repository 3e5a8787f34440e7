"""Keys that sign verdicts: each belongs to one account, from a day on, until it is revoked.

A key is registered with a statement that it signed itself, so that nobody takes a stranger's for
their own. It is never deleted and never given to another account: old verdicts name it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from reprise.base.clock import iso
from reprise.base.errors import (
    AlreadyExists,
    Forbidden,
    InvalidInput,
    NotFound,
    TooManyRequests,
)
from reprise.formats import dsse, key_statements, sshsig
from reprise.formats.dsse import Envelope
from reprise.formats.key_statements import KeyStatement
from reprise.registry import verdict_log
from reprise.registry.access import Caller, TokenRole
from reprise.registry.db.claim_tables import verifier_key
from reprise.registry.db.upsert import insert as upsert
from reprise.registry.operator_key import hub_id

MAX_KEYS = 50  # of one account, revoked ones included
MAX_TITLE = 100  # characters
MAX_REASON = 1_000  # characters
SKEW = 600_000_000  # microseconds that clocks of verifiers may be off: ten minutes


@dataclass(frozen=True)
class VerifierKey:
    """A key. Times are microseconds since 1970, UTC.

    Attributes:
        id: Number of the row.
        account_id: Whose it is; None when the account is gone.
        fingerprint: `SHA256:…`, as `ssh-keygen -l` prints it.
        kind: `ed25519`, or `ssh` when it signs through `ssh-keygen -Y`.
        title: What its owner calls it.
        public_key: 32 raw bytes.
        valid_until: None for no end.
        revoked_because: What its owner said.
    """

    id: int
    account_id: int | None
    fingerprint: str
    kind: str
    title: str
    public_key: bytes
    valid_from: int
    valid_until: int | None = None
    revoked_at: int | None = None
    revoked_because: str | None = None


@dataclass(frozen=True)
class NewKey:
    """A key to be registered: its line of OpenSSH, its name, its end, and the proof it signed."""

    line: str
    proof: Envelope
    title: str = ""
    valid_until: int | None = None


def add(conn: Connection, caller: Caller, new: NewKey, secret: bytes, *, now: int) -> VerifierKey:
    """Register a key for the caller.

    Args:
        conn: An open write transaction.
        caller: Whose key it is.
        new: The key; `proof` is `key_statements` "add", for this hub and account.
        secret: The registry's, for the name of this hub.
        now: Microseconds since 1970, UTC.

    Raises:
        InvalidInput: A bad line, title or end.
        CorruptContent: The key did not sign that it belongs to this account of this hub.
        AlreadyExists: It is registered, for whomever, or was revoked.
        TooManyRequests: The account has `MAX_KEYS`.
    """
    check_manages(caller)
    public = sshsig.public_key(new.line)
    title = _title(new)
    if new.valid_until is not None and new.valid_until <= now:
        raise InvalidInput("A key must be valid for some time: its end is over already.")
    expected = KeyStatement(key_statements.ADD, public, caller.user.name, hub_id(secret))
    kind = key_statements.check(new.proof, expected)
    _check_count(conn, caller)
    values = {
        "account_id": caller.user.id,
        "fingerprint": dsse.key_id(public),
        "kind": kind,
        "title": title,
        "public_key": public,
        "valid_from": now,
        "valid_until": new.valid_until,
    }
    statement = upsert(conn, verifier_key).values(values).on_conflict_do_nothing()
    row = conn.execute(statement.returning(verifier_key)).one_or_none()
    if row is None:
        raise _taken(conn, caller, values["fingerprint"])
    return _key(row)


def list_of(conn: Connection, account_id: int) -> list[VerifierKey]:
    """List the keys of an account, the newest first."""
    mine = select(verifier_key).where(verifier_key.c.account_id == account_id)
    return [_key(row) for row in conn.execute(mine.order_by(verifier_key.c.id.desc()))]


def by_fingerprint(conn: Connection, fingerprint: str) -> VerifierKey | None:
    """Find a key, whoever asks."""
    wanted = select(verifier_key).where(verifier_key.c.fingerprint == fingerprint)
    row = conn.execute(wanted).one_or_none()
    return _key(row) if row is not None else None


def revoke(
    conn: Connection, caller: Caller, fingerprint: str, said: Mapping[str, Any], *, now: int
) -> VerifierKey:
    """Revoke a key of the caller: no verdict that it signed counts any more, and the log says so.

    Args:
        conn: An open write transaction.
        caller: Whose key it is.
        fingerprint: Of the key.
        said: `reason`; `envelope`, the key's own statement, where its owner still has it; and
            `hub`, the fingerprint of this hub's key.
        now: Microseconds since 1970, UTC.

    Raises:
        NotFound: The caller has no such key.
        AlreadyExists: It was revoked before.
        CorruptContent: The statement is not by this key, about this account of this hub.
    """
    check_manages(caller)
    verdict_log.lock(conn)  # a verdict that is being posted comes before this, or not at all
    found = by_fingerprint(conn, fingerprint)
    if found is None or found.account_id != caller.user.id:
        raise NotFound(f"You have no key {fingerprint[:80]}.", hint="reprise key list shows yours.")
    reason = str(said.get("reason") or "").strip()
    if len(reason) > MAX_REASON:
        raise InvalidInput(f"A reason has at most {MAX_REASON} characters.")
    envelope: Envelope | None = said.get("envelope")
    if envelope is not None:
        name, hub = caller.user.name, str(said["hub"])
        expected = KeyStatement(key_statements.REVOKE, found.public_key, name, hub)
        key_statements.check(envelope, expected)
    open_key = (verifier_key.c.id == found.id) & verifier_key.c.revoked_at.is_(None)
    values = {"revoked_at": now, "revoked_because": reason}
    changed = update(verifier_key).where(open_key).values(values).returning(verifier_key)
    row = conn.execute(changed).one_or_none()
    if row is None:
        raise AlreadyExists(f"The key {fingerprint} was revoked before.")
    # Not the reason: what is in the log stays for ever, whatever somebody wrote there.
    body: dict[str, Any] = {"key": fingerprint, "account": caller.user.name}
    if envelope is not None:
        body["envelope"] = dsse.encode(envelope).decode()
    verdict_log.append(conn, verdict_log.REVOCATION, body, now=now)
    return _key(row)


def check_signs(key: VerifierKey | None, caller: Caller, *, made_at: int, now: int) -> VerifierKey:
    """Return a key if the caller may post what it signed.

    Args:
        key: The key, if this hub knows it.
        caller: Who posts.
        made_at: When the signed thing says it was made.
        now: Microseconds since 1970, UTC.

    Raises:
        Forbidden: The key is unknown, somebody else's, revoked, or not valid at that time.
    """
    if key is None:
        raise Forbidden(
            "The key that signed this is not registered here.", hint="Register it: reprise key add"
        )
    if key.account_id != caller.user.id:
        raise Forbidden(f"The key {key.fingerprint} that signed this belongs to somebody else.")
    if key.revoked_at is not None:
        raise Forbidden(f"The key {key.fingerprint} was revoked {iso(key.revoked_at)[:10]}.")
    if made_at < key.valid_from - SKEW:
        raise Forbidden(
            f"The key {key.fingerprint} is valid from {iso(key.valid_from)} on, and this was made "
            f"{iso(made_at)}.",
            hint="Verify again.",
        )
    if key.valid_until is not None and max(made_at, now) > key.valid_until:
        raise Forbidden(
            f"The key {key.fingerprint} was valid until {iso(key.valid_until)}.",
            hint="Register another one: reprise key add",
        )
    return key


def as_json(key: VerifierKey) -> dict[str, Any]:
    """Return a key as the API shows it."""
    return {
        "fingerprint": key.fingerprint, "kind": key.kind, "title": key.title,
        "publicKey": sshsig.public_line(key.public_key), "validFrom": iso(key.valid_from),
        "validUntil": iso(key.valid_until) if key.valid_until is not None else None,
        "revokedAt": iso(key.revoked_at) if key.revoked_at is not None else None,
        "revokedBecause": key.revoked_because,
    }  # fmt: skip


def check_manages(caller: Caller) -> None:
    """Let a caller change their own keys: with a token that writes.

    Raises:
        Unauthenticated: Nobody is signed in.
        Forbidden: The access token is for reading, or for some repos.
    """
    caller.user  # noqa: B018 - asks the anonymous to sign in
    if caller.token is not None and caller.token.role is not TokenRole.WRITE:
        raise Forbidden(
            f"The access token {caller.token.name!r} may not change keys. "
            "Use a token with the write role."
        )


def _title(new: NewKey) -> str:
    words = new.line.split(None, 2)
    title = (new.title or (words[2] if len(words) > 2 else "")).strip()  # noqa: PLR2004
    if len(title) > MAX_TITLE:
        raise InvalidInput(f"The name of a key has at most {MAX_TITLE} characters.")
    return title


def _check_count(conn: Connection, caller: Caller) -> None:
    mine = verifier_key.c.account_id == caller.user.id
    count = conn.execute(select(func.count()).select_from(verifier_key).where(mine)).scalar_one()
    if count >= MAX_KEYS:
        raise TooManyRequests(f"An account has at most {MAX_KEYS} keys.")


def _taken(conn: Connection, caller: Caller, fingerprint: object) -> AlreadyExists:
    key = by_fingerprint(conn, str(fingerprint))
    if key is not None and key.account_id == caller.user.id:
        word = "revoked" if key.revoked_at is not None else "registered"
        return AlreadyExists(f"The key {fingerprint} was {word} before.")
    return AlreadyExists(f"The key {fingerprint} belongs to another account.")


def _key(row: Row[Any]) -> VerifierKey:
    return VerifierKey(
        row.id, row.account_id, row.fingerprint, row.kind, row.title, row.public_key,
        row.valid_from, row.valid_until, row.revoked_at, row.revoked_because,
    )  # fmt: skip
