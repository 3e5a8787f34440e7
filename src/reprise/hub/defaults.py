"""Default models: asks the hub in use which model runs a task, and believes it by its key."""

from http import HTTPStatus

from reprise.base.errors import NotFound, OfflineMiss
from reprise.formats import defaults as files
from reprise.formats.defaults import Default
from reprise.formats.tasks import canonical_task
from reprise.hub import api, settings
from reprise.hub.failures import translated
from reprise.hub.known_hubs import KnownHubs, known_hubs

_TIMEOUT = 10  # seconds for one small answer


def default_model(
    task: str,
    *,
    endpoint: str | None = None,
    token: str | bool | None = None,
    offline: bool | None = None,
    known: KnownHubs | None = None,
) -> Default:
    """Ask a hub which model runs a task when nobody names one.

    Args:
        task: As the caller named it; `translation_en_to_de` is looked for before `translation`.
        endpoint: Base URL of the hub; None: the hub in use.
        token: An access token for it.
        offline: Whether asking is forbidden; None: as `HF_HUB_OFFLINE` says.
        known: What is remembered of hubs; None: this user's file.

    Returns:
        A model at a commit.

    Raises:
        OfflineMiss: Asking is forbidden.
        NotFound: The hub has no default for the task, or none at all.
        CorruptContent: The list is not signed by the key that the hub had before.
        HubUnreachable: No answer.
        MissingExtra: `cryptography` is not installed.
    """
    base = (endpoint or settings.endpoint()).rstrip("/")
    if settings.is_offline() if offline is None else offline:
        raise OfflineMiss(f"Which model runs {task} is for {base} to say, which may not be asked.")
    found = files.unseal(_fetch(base, token))
    (known or known_hubs()).check(base, found.key)
    chosen = found.of(task, canonical_task(task))
    if chosen is None:
        raise NotFound(f"{base} has no default model for {task}.")
    return chosen


def _fetch(base: str, token: str | bool | None) -> bytes:
    url = f"{base}/api/defaults"
    with translated(base, "The list of default models"):
        answer = api.session().get(url, headers=api.headers_for(base, token), timeout=_TIMEOUT)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise NotFound(f"{base} has no default models.")
        from huggingface_hub.utils import (  # type: ignore[attr-defined]  # documented
            hf_raise_for_status,
        )

        hf_raise_for_status(answer)
    return bytes(answer.content)
