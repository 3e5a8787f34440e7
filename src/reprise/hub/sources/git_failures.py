"""What git says when it fails, as one of our own errors with a next step in it."""

import re
from dataclasses import dataclass

from reprise.base import errors
from reprise.base.errors import RepriseError
from reprise.hub.address import Address

_LOGIN = (
    "If it is private: store a password with `git credential approve`, add your ssh key, or pass "
    "token=…; git asks nothing here."
)
_MAX_SHOWN = 300
_OLD = re.compile(
    r"not our ref|unadvertised object|does not support (?:fetching|sha)|no such remote ref",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Rule:
    """Words of git's or a server's, and what they mean."""

    pattern: str
    error: type[RepriseError]
    message: str  # {remote}, {revision}, {ssh} and {0}, the pattern's first group
    hint: str = ""


# The first that fits counts.
_RULES = (
    _Rule(
        r"host key verification failed",
        errors.HubUnreachable,
        "ssh does not know the host key of {remote}.",
        "Connect once by hand and compare the key: ssh -T {ssh}",
    ),
    _Rule(
        r"transport '([^']{0,40})' not allowed",
        errors.InvalidInput,
        "{remote} leads to {0!r}, which git may not use here.",
        "Write the URL it leads to, if you trust it.",
    ),
    _Rule(
        r"dubious ownership",
        errors.Forbidden,
        "{remote} belongs to somebody else.",
        "Allow it with: git config --global --add safe.directory FOLDER",
    ),
    _Rule(
        r"returned error: 429|too many requests",
        errors.TooManyRequests,
        "{remote} takes no more requests for now.",
        "Try again later.",
    ),
    _Rule(
        r"could not read (?:username|password)|authentication failed|permission denied"
        r"|access denied|returned error: (?:401|403)|invalid username or password",
        errors.RepoNotFound,
        "{remote} is not there, or not for you.",
        _LOGIN,
    ),
    _Rule(
        r"repository .*not found|does not appear to be a git repository|returned error: 404"
        r"|repository not exported|no such file or directory|could not find repository",
        errors.RepoNotFound,
        "{remote} is not there.",
        "Check the spelling.",
    ),
    _Rule(
        r"not our ref|couldn't find remote ref|not a valid object|bad object",
        errors.RevisionNotFound,
        "{remote} has no {revision}.",
    ),
    _Rule(
        r"not valid: is this a git repository|did not send a proper|bad line length"
        r"|protocol error|invalid (?:index-pack|ls-refs)|bad pack",
        errors.CorruptContent,
        "{remote} does not answer like a git server.",
    ),
)


def is_too_old(said: str) -> bool:
    """Tell whether a server refused to give out a commit by its id alone."""
    return _OLD.search(said) is not None


def translate(said: str, address: Address) -> RepriseError:
    """Turn git's words into an error.

    Args:
        said: What git wrote on stderr, without control characters.
        address: The repo that was asked for.
    """
    facts = {
        "remote": address.remote,
        "revision": address.revision or "such commit",
        "ssh": _ssh_host(address.remote),
    }
    for rule in _RULES:
        if found := re.search(rule.pattern, said, re.IGNORECASE):
            message = rule.message.format(*found.groups(), **facts)
            return rule.error(message, hint=rule.hint.format(**facts))
    return errors.HubUnreachable(f"git cannot fetch {address.remote}: {_essence(said)}")


def _ssh_host(remote: str) -> str:
    return remote.removeprefix("ssh://").partition("/")[0].partition(":")[0]


def _essence(said: str) -> str:
    """Pick the line that tells most: ssh's, else the first that git calls fatal, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    ssh = [line for line in lines if line.startswith("ssh:")]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (ssh or fatal or lines[-1:] or ["no reason given"])[0][:_MAX_SHOWN]
