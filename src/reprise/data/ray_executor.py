"""Workers of a Ray cluster, for data that one machine is too slow for. Ray's core tasks alone.

A task is a piece of work as bytes; it writes its file into the store, which all machines of the
cluster must see under the same path. No row goes through Ray's object store.
"""

import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidInput, RemoteFailure, WorkerCrashed
from reprise.base.optional import require
from reprise.data.executor import Piece, told
from reprise.data.progress import Advance
from reprise.data.shipping import pack, unpack


@dataclass(frozen=True)
class RayExecutor:
    """Runs pieces of work as tasks of Ray.

    Ray is started on this machine if nobody called `ray.init()` before.

    Args:
        workers: How many pieces to cut the work into; by default one for each processor that the
            cluster has.
        options: For every task: `num_cpus`, `num_gpus`, `resources`, `runtime_env`, …
    """

    workers: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    is_here = False

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise InvalidInput(f"workers is the number of pieces, 1 or more, not {self.workers}.")
        ray = _started()
        cores = int(ray.cluster_resources().get("CPU", 1))
        object.__setattr__(self, "workers", self.workers or max(1, cores))

    def run(self, pieces: Sequence[Piece], advance: Advance) -> None:
        """Run all pieces; the first failure ends the others.

        Raises:
            RemoteFailure: One failed; the message names the row, the hint is its traceback.
            WorkerCrashed: The process or the machine of a task ended.
        """
        ray = _started()
        task = ray.remote(**{"max_retries": 0, "num_cpus": 1, **self.options})(do)
        path = json.dumps([entry for entry in sys.path if isinstance(entry, str)])
        waiting = [task.remote(pack(piece), path) for piece in pieces]
        try:
            while waiting:
                (done,), waiting = ray.wait(waiting, num_returns=1)
                advance(_checked(ray, done))
        finally:
            for one in waiting:
                ray.cancel(one, force=True)


def _started() -> Any:
    ray = require("ray", extra="scale")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    return ray


def _checked(ray: Any, done: Any) -> int:
    """Return how many rows a task did.

    Raises:
        RemoteFailure, WorkerCrashed: As `RayExecutor.run`.
    """
    try:
        answer = ray.get(done)
    except ray.exceptions.RayError as error:
        raise WorkerCrashed(
            f"A task of Ray ended before its rows were done: {str(error).splitlines()[0]}",
            hint="Its process may have run out of memory: use more workers, each with fewer rows.",
        ) from None
    if "error" in answer:
        raise RemoteFailure(answer["error"], kind=answer["kind"], trace=answer["trace"])
    return int(answer["rows"])


def do(data: bytes, path: str) -> dict[str, Any]:
    """Do one piece of work in a worker of Ray, and say how many rows were done or what failed."""
    sys.path[:] = [*json.loads(path), *(entry for entry in sys.path if entry not in path)]
    rows = [0]

    def note(count: int) -> None:
        rows[0] += count

    try:
        unpack(data)(note)
    except BaseException as error:  # noqa: BLE001 - whatever happens is for the caller to know
        return {"error": told(error), "kind": type(error).__name__, "trace": traceback.format_exc()}
    return {"rows": rows[0]}
