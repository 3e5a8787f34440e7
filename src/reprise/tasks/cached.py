"""Models in the shared cache, for people who named a task and no model."""

from collections.abc import Iterator
from pathlib import Path

from reprise.base.errors import InvalidInput, RepriseError
from reprise.hub import settings
from reprise.models.config import read_config
from reprise.tasks.inferring import fitting_tasks
from reprise.tasks.kinds import kind_of

_SHOWN = 10


def without_model(task: str | None) -> RepriseError:
    """Make the error of a pipeline without a model: it lists what the cache has for the task."""
    if task is None:
        return InvalidInput("Name a task, a model or both: reprise.pipeline(task, model).")
    name, _ = kind_of(task)
    found = sorted(set(fitting_models(name, settings.shared_cache_dir())))
    if found:
        hint = f"In the cache and made for it: {', '.join(found[:_SHOWN])}."
    else:
        hint = f"Find one: reprise search --task {name}"
    return InvalidInput(f"Name a model for {name}: none is chosen for you.", hint=hint)


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
