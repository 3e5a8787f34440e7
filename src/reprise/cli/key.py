"""`reprise key`: the keys that sign verdicts, and whose they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.cli import output

if TYPE_CHECKING:
    from reprise.verify.keys import Signer

ssh_key_option = click.option(
    "--ssh-key", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="An SSH key (Ed25519) instead of the one made for you; the .pub of one in an agent.",
)  # fmt: skip
_endpoint_option = click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")


def signer(ssh_key: Path | None) -> "Signer":
    """Return the key that signs: an SSH key, or the user's own, made the first time."""
    from reprise.verify import keys

    return keys.ssh(ssh_key) if ssh_key is not None else keys.own()


@click.group()
def key() -> None:
    """Manage the keys that sign your verdicts. A hub takes verdicts only from keys it knows."""


@key.command()
@ssh_key_option
@click.option("--title", default="", help="What you call it.")
@click.option("--days", type=click.IntRange(1, 36_500), help="Valid for so many days.")
@_endpoint_option
@output.json_option
def add(ssh_key: Path | None, title: str, days: int | None, endpoint: str | None) -> None:
    """Register a key for your account; it signs that it is yours."""
    from reprise.formats.key_statements import ADD
    from reprise.hub import verdicts
    from reprise.hub.account import whoami
    from reprise.verify.posting import statement

    chosen = signer(ssh_key)
    head, account = verdicts.hub(endpoint=endpoint), whoami(endpoint=endpoint).name
    proof = statement(chosen, ADD, account, head)
    made = verdicts.add_key(chosen.line, proof, title=title, days=days, endpoint=endpoint)
    output.show(made, f"{made.get('fingerprint')} signs for {account} now.")
    output.hint("reprise verify OWNER/NAME --post")


@key.command("list")
@_endpoint_option
@output.json_option
def list_keys(endpoint: str | None) -> None:
    """List the keys of your account, the newest first."""
    from reprise.hub import verdicts

    rows = [{**row, "state": _state(row)} for row in verdicts.keys(endpoint=endpoint)]
    output.table(
        rows, ["fingerprint", "kind", "title", "state"],
        empty="You have registered none yet: reprise key add",
    )  # fmt: skip


@key.command()
@click.argument("fingerprint")
@click.option("--reason", default="", help="For people who read your verdicts.")
@ssh_key_option
@_endpoint_option
@output.json_option
def revoke(fingerprint: str, reason: str, ssh_key: Path | None, endpoint: str | None) -> None:
    """Revoke a key, for ever: no verdict that it signed counts any more.

    Where you still have the key it signs this itself; a lost one is revoked by your word.
    """
    from reprise.formats.key_statements import REVOKE
    from reprise.hub import verdicts
    from reprise.hub.account import whoami
    from reprise.verify.posting import statement

    chosen = _held(ssh_key)
    envelope = None
    if chosen is not None and chosen.fingerprint == fingerprint:
        account = whoami(endpoint=endpoint).name
        envelope = statement(chosen, REVOKE, account, verdicts.hub(endpoint=endpoint))
    gone = verdicts.revoke_key(fingerprint, reason, envelope, endpoint=endpoint)
    by = "itself" if envelope is not None else "your word"
    output.show(gone, f"{fingerprint} was revoked by {by}.")


def _held(ssh_key: Path | None) -> "Signer | None":
    """Return the key at hand, without making one."""
    from reprise.verify import keys

    if ssh_key is None and not keys.key_file().exists():
        return None
    return signer(ssh_key)


def _state(row: dict[str, Any]) -> str:
    if row.get("revokedAt"):
        return f"revoked {str(row['revokedAt'])[:10]}"
    if row.get("validUntil"):
        return f"valid until {str(row['validUntil'])[:10]}"
    return "valid"
