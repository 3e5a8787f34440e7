"""One commit of one model: its files, and a pipeline for each task that is asked of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reprise.models.source import locate
from reprise.tasks import pipeline
from reprise.tasks.base import Pipeline
from reprise.tasks.kinds import class_of, kind_of


class Model:
    """One commit of one model.

    Args:
        place: `owner/name@commit`.
        endpoint: Hub that has it.
        engine: "onnx", "torch" or "auto".
        loading: `threads`, `device`, `dtype` of `reprise.pipeline`; empty ones say nothing.
    """

    def __init__(self, place: str, endpoint: str, engine: str, loading: Mapping[str, Any]) -> None:
        self._place, self._endpoint, self._engine = place, endpoint, engine
        self._loading = {name: value for name, value in loading.items() if value}
        self._pipelines: dict[str, Pipeline] = {}

    def fetch(self, token: str) -> int:
        """Fetch its files unless the cache has them; gives the bytes of the weights.

        Raises:
            RepriseError: It cannot be had, or is no model.
        """
        folder = locate(self._place, **self._hub(token)).folder
        weights = list(folder.glob("*.safetensors")) or list(folder.iterdir())
        return sum(path.stat().st_size for path in weights if path.is_file())

    def pipeline(self, task: str, token: str) -> Pipeline:
        """Give what runs a task; the first call loads the weights.

        Args:
            task: Empty: what the repo says it is for.
            token: Can read the repo; empty for a public one.

        Raises:
            RepriseError: The model does not fit the task, or cannot be loaded.
        """
        if task not in self._pipelines:
            self._pipelines[task] = self._shared(task) or pipeline(
                task or None, self._place, engine=self._engine, progress=False,
                **self._loading, **self._hub(token),
            )  # fmt: skip
        return self._pipelines[task]

    def _shared(self, task: str) -> Pipeline | None:
        """Make a pipeline of weights that are loaded for another task with the same head."""
        if not task:
            return None
        name, kind = kind_of(task)
        for made in self._pipelines.values():
            _, other = kind_of(made.task)
            if (other.autos, other.reads) == (kind.autos, kind.reads):
                parts = replace(made.parts, task=name, asked=task)
                return class_of(kind)(parts, progress=False)
        return None

    def _hub(self, token: str) -> dict[str, Any]:
        return {"endpoint": self._endpoint, "token": token or False}
