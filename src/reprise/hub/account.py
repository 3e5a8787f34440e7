"""Who we are to the hub: the access token that all of its clients share."""

import sys
from dataclasses import dataclass
from getpass import getpass
from typing import Any

from reprise.base.errors import InvalidInput, RepriseError, Unauthenticated
from reprise.hub import api, settings
from reprise.hub.failures import LOGIN, translated


@dataclass(frozen=True)
class Identity:
    """An account, as the hub describes the holder of an access token."""

    name: str
    fullname: str
    orgs: tuple[str, ...]
    token_name: str | None
    role: str | None  # read, write, fineGrained
    endpoint: str


def login(token: str | None = None) -> Identity:
    """Check an access token with the hub in use and store it for every client on this machine.

    Without a token, asks for one on the terminal.

    It is stored where huggingface_hub keeps it (`HF_HOME/token`), readable by you alone, so that
    `hf`, transformers and datasets are logged in too.

    Raises:
        InvalidInput: It cannot be an access token.
        Unauthenticated: The hub does not know it; nothing is stored.
    """
    import huggingface_hub

    secret = (_ask() if token is None else token).strip()
    if not secret or not secret.isascii() or any(c.isspace() for c in secret):
        raise InvalidInput("An access token is one word of ASCII characters.")
    identity = whoami(token=secret)
    with translated(identity.endpoint, "The access token"):
        try:
            huggingface_hub.login(token=secret, add_to_git_credential=False)
        except ValueError as error:
            raise InvalidInput(str(error)) from None
    return identity


def _ask() -> str:
    if not (sys.stdin and sys.stdin.isatty()):
        raise InvalidInput("There is no terminal to ask for an access token on; pass it.")
    return getpass(f"Access token for {settings.endpoint()}: ")


def logout() -> bool:
    """Forget the stored access tokens; tells whether there were any.

    Raises:
        InvalidInput: `HF_TOKEN` is set, which no program can unset for its parent.
    """
    import huggingface_hub

    stored = huggingface_hub.get_token() is not None
    try:
        if stored:
            huggingface_hub.logout()
    except OSError as error:
        raise InvalidInput(" ".join(str(error).split())) from None
    return stored


def whoami(*, endpoint: str | None = None, token: str | None = None) -> Identity:
    """Ask the hub whom the access token belongs to.

    Raises:
        Unauthenticated: There is no access token, or the hub does not know it.
        HubUnreachable: The hub cannot be asked.
    """
    url = endpoint or settings.endpoint()
    sent = api.token_for(url, token)
    if sent is False:
        raise Unauthenticated(f"There is no access token for {url}.", hint=LOGIN)
    with translated(url, "The access token"):
        answer = api.client(url, token).whoami()
    return _identity(answer, url)


def _identity(answer: Any, url: str) -> Identity:
    try:
        credential = (answer.get("auth") or {}).get("accessToken") or {}
        return Identity(
            name=str(answer["name"]),
            fullname=str(answer.get("fullname") or answer["name"]),
            orgs=tuple(str(org["name"]) for org in answer.get("orgs") or ()),
            token_name=credential.get("displayName"),
            role=credential.get("role"),
            endpoint=url,
        )
    except (AttributeError, KeyError, TypeError):
        raise RepriseError(f"{url} does not say who you are.", hint="Check HF_ENDPOINT.") from None
