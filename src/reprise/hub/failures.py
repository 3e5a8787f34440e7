"""What went wrong between us and a hub, as one of our own errors with a next step in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from reprise.base import errors
from reprise.base.errors import RepriseError
from reprise.hub.address import Address

_BY_STATUS: dict[int, type[RepriseError]] = {
    400: errors.InvalidInput,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.AlreadyExists,
    412: errors.StaleParent,
    413: errors.TooLarge,
    416: errors.RangeNotSatisfiable,
    422: errors.CorruptContent,
    429: errors.TooManyRequests,
    501: errors.NotSupported,
}
LOGIN = "Log in with: reprise login"
_LOGIN = "If it is private, log in with: reprise login"
_SUGGESTIONS = 3
_LOOK_AT = 50  # repos
_LISTED = 10  # branches and tags in one message


@contextmanager
def translated(endpoint: str, what: str) -> Iterator[None]:
    """Turn what huggingface_hub and its HTTP client raise into our errors.

    Args:
        endpoint: Base URL of the hub, for messages.
        what: What was asked for, for messages: a repo with its revision.
    """
    try:
        yield
    except RepriseError:
        raise
    except Exception as error:
        found = _ours(error, endpoint, what)  # imports what the error came from, and only now
        if found is None:
            raise
        raise found from error


def _ours(  # noqa: PLR0911 - one for each kind
    error: Exception, endpoint: str, what: str
) -> RepriseError | None:
    import httpx2
    from huggingface_hub import errors as theirs

    match error:
        case theirs.HfHubHTTPError():
            return _from_answer(error, endpoint, what)
        case theirs.OfflineModeIsEnabled():
            return errors.OfflineMiss(
                f"{what} is not cached, and HF_HUB_OFFLINE forbids asking {endpoint}.",
                hint="Unset HF_HUB_OFFLINE, or fetch it once while online.",
            )
        case theirs.HFValidationError():
            return errors.InvalidId(str(error))
        case theirs.LocalTokenNotFoundError():
            return errors.Unauthenticated("You are not logged in.", hint=LOGIN)
        case theirs.LocalEntryNotFoundError() | theirs.RevisionResolutionError():
            return _cause_or_unreachable(error, endpoint, what)
        case httpx2.HTTPError() | ConnectionError() | TimeoutError() | theirs.XetDownloadError():
            return unreachable(endpoint, error)
        case theirs.FileMetadataError():
            return errors.HubUnreachable(
                f"{endpoint} does not answer like a hub: {_first_line(error)}",
                hint="Check HF_ENDPOINT and any proxy in between.",
            )
    return None


def unreachable(endpoint: str, error: BaseException) -> errors.HubUnreachable:
    """Say that a hub cannot be reached."""
    return errors.HubUnreachable(
        f"Cannot reach {endpoint}: {_first_line(error)}",
        hint="Check the network and HF_ENDPOINT; HF_HUB_OFFLINE=1 uses only what is cached.",
    )


def other_repos(api: Any, address: Address) -> str:
    """Suggest repos with a similar name; empty when the hub knows none or does not answer."""
    wanted = address.repo_id
    try:
        found = {model.id for model in api.list_models(search=wanted.name, limit=_LOOK_AT)}
        found |= {model.id for model in api.list_models(author=wanted.owner, limit=_LOOK_AT)}
    except Exception:  # noqa: BLE001 - a suggestion must never hide the error it decorates
        return ""
    return _suggest(str(wanted), sorted(found))


def other_revisions(api: Any, address: Address) -> str:
    """Suggest a branch or tag of the repo, or list them when they are few."""
    try:
        refs = api.list_repo_refs(str(address.repo_id), repo_type=address.repo_type.value)
        found = [ref.name for ref in [*refs.branches, *refs.tags]]
    except Exception:  # noqa: BLE001 - as above
        return ""
    close = _suggest(address.revision or "", found)
    return close or f"It has {', '.join(found[:_LISTED])}{', …' if found[_LISTED:] else ''}."


def _suggest(wanted: str, found: list[str]) -> str:
    close = get_close_matches(wanted, found, n=_SUGGESTIONS, cutoff=0.5)
    return f"Did you mean {' or '.join(close)}?" if close else ""


def _from_answer(error: Any, endpoint: str, what: str) -> RepriseError:
    from huggingface_hub import errors as theirs

    said = error.server_message or error.response.headers.get("X-Error-Message") or ""
    match error:
        case theirs.GatedRepoError():
            hint = f"Ask on its page at {endpoint}, then log in with: reprise login"
            return errors.GatedRepo(f"{what} asks for an access request first.", hint=hint)
        case theirs.RepositoryNotFoundError():
            if error.response.status_code == HTTPStatus.UNAUTHORIZED and "token" in said.lower():
                return _bad_token(endpoint)
            return errors.RepoNotFound(f"{what} is not on {endpoint}.", hint=_LOGIN)
        case theirs.RevisionNotFoundError():
            return errors.RevisionNotFound(f"{what} does not exist on {endpoint}.")
        case theirs.RemoteEntryNotFoundError():
            return errors.EntryNotFound(f"{what} has no such file on {endpoint}.")
    return _from_status(error, endpoint, said)


def _from_status(error: Any, endpoint: str, said: str) -> RepriseError:
    status = error.response.status_code
    if status == HTTPStatus.UNAUTHORIZED:
        return _bad_token(endpoint)
    if status == HTTPStatus.NOT_FOUND and not said:
        path = error.response.url.path
        message = f"{endpoint} does not answer like a hub: 404 for {path}"
        return errors.HubUnreachable(message, hint="Check HF_ENDPOINT.")
    if status in _BY_STATUS:
        return _BY_STATUS[status](said or _first_line(error))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.HubUnreachable(f"{endpoint} failed with status {status}. {said}".strip())
    return RepriseError(f"{endpoint} answered {status}. {said}".strip())


def _bad_token(endpoint: str) -> RepriseError:
    return errors.Unauthenticated(
        f"{endpoint} does not accept the access token.",
        hint="Log in again with: reprise login (a token in HF_TOKEN goes before the stored one)",
    )


def _cause_or_unreachable(error: Exception, endpoint: str, what: str) -> RepriseError:
    """Look behind huggingface_hub's "not cached and not reachable" for what really happened."""
    from huggingface_hub import errors as theirs

    cause = error.__cause__
    if isinstance(cause, theirs.HfHubHTTPError):
        return _from_answer(cause, endpoint, what)
    return unreachable(endpoint, cause or error)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
