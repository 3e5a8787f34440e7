"""The model of people who named a task and no model: what the hub in use says it is."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reprise.base.errors import HubUnreachable, InvalidInput, NotFound, OfflineMiss, RepriseError
from reprise.hub import settings
from reprise.models.config import read_config
from reprise.tasks.inferring import fitting_tasks
from reprise.tasks.kinds import kind_of

log = logging.getLogger(__name__)
_SHOWN = 10


def default_for(task: str | None, hub: Mapping[str, Any]) -> str:
    """Choose the model of a task as the hub in use says: `owner/name@commit`.

    Args:
        task: As the caller named it.
        hub: `endpoint`, `token`, `offline`.

    Raises:
        InvalidInput: No task is named either.
        OfflineMiss, HubUnreachable, NotFound: The hub says nothing; the hint lists what the shared
            cache has for the task. Nothing is guessed.
        CorruptContent: The hub's list is signed by another key than before.
    """
    if task is None:
        raise InvalidInput("Name a task, a model or both: reprise.pipeline(task, model).")
    name, _ = kind_of(task)
    from reprise.hub.defaults import default_model

    try:
        chosen = default_model(task, **hub)
    except (OfflineMiss, HubUnreachable, NotFound) as error:
        raise type(error)(f"No model is named for {name}. {error.message}",
                          hint=_cached(name)) from error  # fmt: skip
    log.warning("No model is named for %s: the hub's default is %s at %s.",
                name, chosen.repo, chosen.commit)  # fmt: skip
    return f"{chosen.repo}@{chosen.commit}"


def _cached(task: str) -> str:
    found = sorted(set(fitting_models(task, settings.shared_cache_dir())))
    if found:
        return f"Name one. In the cache and made for it: {', '.join(found[:_SHOWN])}."
    return f"Name one; the cache has none for it. Find one: reprise search --task {task}"


def fitting_models(task: str, cache: Path) -> Iterator[str]:
    """Give the repos in a cache whose configuration is made for a task."""
    for path in sorted(cache.glob("models--*/snapshots/*/config.json")):
        try:
            fits = task in fitting_tasks(read_config(path.parent))
        except (RepriseError, OSError, AttributeError, TypeError, KeyError):
            continue  # somebody else's file, broken or of a model that is not known here
        if fits:
            folder = path.parents[2].name
            yield folder.removeprefix("models--").replace("--", "/")
