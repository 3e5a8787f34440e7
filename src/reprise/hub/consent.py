"""Whose code may run here: asked once per commit, remembered in a policy file.

The file is JSON that people may also write by hand (a CI image, an administrator):

    {"version": 1, "allow": [
        {"repo": "huggingface.co/owner/name", "commit": "0123…", "agreed": "2026-11-21T…"},
        {"repo": "hub.example.org/team/*", "commit": "*"}
    ]}

`repo` is host, owner and name in lower case; only a whole name may be `*`, never a host or owner.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.clock import Clock, iso, system_clock
from reprise.base.errors import ConsentRequired, InvalidFormat, InvalidInput
from reprise.base.files import write_bytes
from reprise.hub.address import Address

ANY = "*"
_VERSION = 1
_YES = frozenset({"y", "yes"})

# Shows a question, returns what was typed; None means nobody can be asked.
Ask = Callable[[str], str | None]


@dataclass(frozen=True)
class Policy:
    """What the policy file allows."""

    path: Path

    def allows(self, address: Address, commit: str) -> bool:
        """Tell whether somebody agreed to run this commit."""
        names = {address.key, f"{address.key.rpartition('/')[0]}/{ANY}"}
        return any(
            rule["repo"] in names and rule["commit"] in {commit, ANY} for rule in self._read()
        )

    def known_commits(self, address: Address) -> list[str]:
        """Commits of this repo that somebody agreed to, oldest first."""
        return [rule["commit"] for rule in self._read() if rule["repo"] == address.key]

    def allow(self, address: Address, commit: str, *, clock: Clock = system_clock) -> None:
        """Remember that this commit may run."""
        with self._locked():
            rules = self._read()
            if not any(r["repo"] == address.key and r["commit"] == commit for r in rules):
                agreed = iso(clock())
                rules.append({"repo": address.key, "commit": commit, "agreed": agreed})
                self._write(rules)

    def _read(self) -> list[dict[str, str]]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        try:
            return _check_rules(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise InvalidFormat(
                f"The trust file {self.path} cannot be read: {error}",
                hint="Correct it, or delete it and agree again.",
            ) from None

    def _write(self, rules: list[dict[str, str]]) -> None:
        data = json.dumps({"version": _VERSION, "allow": rules}, indent=2) + "\n"
        write_bytes(self.path, data.encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f"{self.path.name}.lock")):
            yield


def check_trust(trust_repo: object) -> bool | str:
    """Return `trust_repo` when it is exactly True, False or "check".

    Raises:
        InvalidInput: Anything else; `None`, 0 or "no" must never mean yes.
    """
    if trust_repo is True or trust_repo is False:
        return trust_repo
    if isinstance(trust_repo, str) and trust_repo == "check":
        return "check"
    raise InvalidInput(
        f"trust_repo must be True, False or 'check', not {trust_repo!r}.",
        hint="True: agree now. 'check': ask once per commit. False: ask every time.",
    )


def require_consent(
    address: Address, commit: str, trust_repo: object, *, policy: Policy, ask: Ask | None = None
) -> None:
    """Make sure somebody agreed to run a repo's code at a commit.

    Args:
        address: The repo.
        commit: Its commit, 40 hex digits.
        trust_repo: True agrees now, "check" asks unless somebody agreed before, False asks again.
        policy: What was agreed to before.
        ask: How to ask; by default on the terminal.

    Raises:
        ConsentRequired: The answer was no, or there is no terminal to ask on.
        InvalidInput: `trust_repo` is something else.
    """
    trust = check_trust(trust_repo)
    if trust is True:
        policy.allow(address, commit)
        return
    if trust == "check" and policy.allows(address, commit):
        return
    answer = (ask or ask_on_terminal)(_question(address, commit, policy))
    if answer is None:
        raise ConsentRequired(
            f"Loading {address.repo_id} runs its code with your rights, "
            f"and nobody agreed to commit {commit} yet.",
            hint=f"Read it: {address.page(commit)}\nThen pass trust_repo=True "
            "(--trust on the command line), or isolated=True (--isolated) to run it confined.",
        )
    if answer.strip().lower() not in _YES:
        raise ConsentRequired(f"You did not agree to run the code of {address.repo_id}.")
    policy.allow(address, commit)


def ask_on_terminal(question: str) -> str | None:
    """Ask on the terminal; None without one."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return None
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def _question(address: Address, commit: str, policy: Policy) -> str:
    before = policy.known_commits(address)
    known = f"You agreed to another commit of it before: {before[-1]}\n" if before else ""
    return (
        f"{address.key} at commit {commit}\n"
        f"is code that would run on this computer with your rights.\n{known}"
        f"Read it: {address.page(commit)}\n"
        "Run it, now and later? [y/N] "
    )


def _check_rules(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, dict) or value.get("version") != _VERSION:
        raise ValueError(f'expected {{"version": {_VERSION}, "allow": [...]}}')
    rules = value.get("allow")
    if not isinstance(rules, list) or not all(_is_rule(rule) for rule in rules):
        raise ValueError('each item of "allow" needs the texts "repo" and "commit"')
    return rules


def _is_rule(rule: Any) -> bool:
    return (
        isinstance(rule, dict)
        and isinstance(rule.get("repo"), str)
        and isinstance(rule.get("commit"), str)
    )
