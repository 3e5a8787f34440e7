"""What the authors of a claim answer to a verdict. They may answer; nobody erases a verdict."""

from sqlalchemy import Connection, func, insert, select

from reprise.base.errors import Forbidden, InvalidInput, NotFound, TooManyRequests
from reprise.registry import claims, verdicts
from reprise.registry.access import Caller
from reprise.registry.db.claim_tables import verdict_answer
from reprise.registry.manifests import storable
from reprise.registry.verdicts import Answer

MAX_TEXT = 10_000  # characters
_MAX_ANSWERS = 50  # to one verdict


def answer(
    conn: Connection, caller: Caller, named: tuple[str, int], text: str, *, now: int
) -> Answer:
    """Answer a verdict, as somebody who may write to the claim's repo.

    Args:
        conn: An open write transaction.
        caller: Who answers.
        named: Digest of the claim, and the verdict's number.
        text: Markdown.
        now: Microseconds since 1970, UTC.

    Raises:
        NotFound: There is no such verdict on such a claim that the caller may see.
        Forbidden: The caller may not write to the repo.
        InvalidInput: No text, or too much.
        TooManyRequests: The verdict has `_MAX_ANSWERS` answers.
    """
    digest, number = named
    stated = claims.find(conn, caller, digest)
    found = verdicts.by_id(conn, number)
    if found is None or found.claim_id != stated.id:
        raise NotFound(f"The claim {stated.digest[:12]}… has no verdict {number}.")
    caller.user  # noqa: B018 - asks the anonymous to sign in
    if not claims.writable(conn, caller, stated):
        raise Forbidden(
            f"Only those who may write to {stated.repo_name} answer verdicts on its claims.",
            hint="Others say what they think in a discussion.",
        )
    said = storable(text).strip()
    if not said or len(said) > MAX_TEXT:
        raise InvalidInput(f"An answer has 1 to {MAX_TEXT} characters.")
    _check_count(conn, number)
    values = {"verdict_id": number, "account_id": caller.user.id, "text": said, "at": now}
    made = insert(verdict_answer).values(values).returning(verdict_answer.c.id)
    return Answer(conn.execute(made).scalar_one(), caller.user.name, said, now)


def _check_count(conn: Connection, number: int) -> None:
    mine = verdict_answer.c.verdict_id == number
    count = conn.execute(select(func.count()).select_from(verdict_answer).where(mine)).scalar_one()
    if count >= _MAX_ANSWERS:
        raise TooManyRequests(f"A verdict has at most {_MAX_ANSWERS} answers.")
