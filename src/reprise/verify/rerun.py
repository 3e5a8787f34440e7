"""Run a model over inputs, confined and without network; run a part again to see its noise.

Only inputs go to the model's code. What is right stays on this side, and so does the metric.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

from reprise.base.errors import (
    HubUnreachable,
    InvalidFormat,
    IsolationFailed,
    NotSupported,
    OfflineMiss,
    RemoteFailure,
    RepriseError,
)
from reprise.formats.verdict import Outcome
from reprise.hub.isolated import Isolation, make_launch
from reprise.hub.manifest import Manifest
from reprise.hub.snapshots import Snapshot
from reprise.hub.trials.setting import ask_object
from reprise.isolate.client import Worker
from reprise.isolate.launch import Launch
from reprise.verify.compare import Noise
from reprise.verify.plan import Calling, NoAnswer
from reprise.verify.predictions import Prediction, read_answer

Advance = Callable[[int], None]
PROBED = 64  # examples that are run again
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Rerun:
    """What a model answered.

    Attributes:
        predictions: One per input.
        probed: The first ones again, with another batch size.
        environment: What it ran in.
    """

    predictions: tuple[Prediction, ...]
    probed: tuple[Prediction, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Asking:
    """How this model wants to be asked: in batches unless it cannot."""

    model: Any
    calling: Calling
    advance: Advance | None = None
    in_batches: bool = True

    def ask(self, inputs: Sequence[Any], batch: int) -> list[Prediction]:
        found: list[Prediction] = []
        for start in range(0, len(inputs), batch):
            some = self._batch(list(inputs[start : start + batch]))
            found += some
            if self.advance is not None:
                self.advance(len(some))
        return found

    def _batch(self, inputs: list[Any]) -> list[Prediction]:
        if self.in_batches:
            try:
                answers = self._call(inputs)
                if isinstance(answers, list | tuple) and len(answers) == len(inputs):
                    return [read_answer(answer) for answer in answers]
            except RemoteFailure as error:
                if error.kind not in {"TypeError", "AttributeError", "ValueError"}:
                    raise
            self.in_batches = False
        return [read_answer(self._call(item)) for item in inputs]

    def _call(self, argument: Any) -> Any:
        target = getattr(self.model, self.calling.method) if self.calling.method else self.model
        return target(argument, **self.calling.call)


@dataclass(frozen=True)
class Place:
    """Where a model is asked: how its worker starts, and the folder of what makes the model."""

    launch: Launch
    folder: Path
    name: str

    @property
    def threads(self) -> int:
        """How many threads its libraries may use."""
        return int(dict(self.launch.env).get(_THREADS[0], 1))


def prepare(snapshot: Snapshot, manifest: Manifest, isolation: Isolation) -> Place:
    """Build the environment of a worker that may touch nothing.

    Args:
        snapshot: The model's repo.
        manifest: What its source says.
        isolation: What the worker is like; it is never trusted.

    Raises:
        NoAnswer: The environment cannot be built; the log is in it.
        HubUnreachable, OfflineMiss: Packages cannot be fetched from here.
        NotSupported: This machine cannot confine untrusted code.
    """
    try:
        launch = make_launch(snapshot, manifest, replace(isolation, trusted=False))
    except (HubUnreachable, OfflineMiss, NotSupported):
        raise  # about this machine and its network, and no verdict on anybody's claim
    except (RepriseError, OSError) as error:
        raise NoAnswer(
            Outcome.NOT_RUNNABLE, f"its environment cannot be built: {_line(error)}", log=str(error)
        ) from None
    return Place(launch, snapshot.folder.resolve(), str(snapshot.address))


def run(
    place: Place,
    calling: Calling,
    inputs: Sequence[Any],
    *,
    advance: Advance | None = None,
    probed: int = PROBED,
) -> Rerun:
    """Run a model over inputs, in a worker that may touch nothing.

    Args:
        place: Where.
        calling: How to make and ask it.
        inputs: One per example.
        advance: Told how many examples have been answered since it was last told.
        probed: How many of the first examples are run again with another batch size.

    Raises:
        NoAnswer: Its code failed; the log is in it.
        NotSupported: This machine cannot confine untrusted code.
    """
    with Worker(place.launch, name=place.name, prefer_numpy=True) as worker:
        hello = worker.start()
        environment = {
            "isolation": hello.level.name.lower(),
            "python": hello.python,
            "packages": ask_object(worker, "packages"),
            "threads": place.threads,
        }
        try:
            model = worker.load(place.folder, calling.entry, **calling.kwargs)
            asking = _Asking(model, calling, advance)
            answers = asking.ask(inputs, calling.batch)
            again = _Asking(model, calling, in_batches=asking.in_batches)
            twice = again.ask(inputs[:probed], other_batch(calling.batch))
        except (IsolationFailed, InvalidFormat) as error:
            raise NoAnswer(
                Outcome.NOT_RUNNABLE, f"its code failed: {_line(error)}", log=str(error)
            ) from None
        except RepriseError as error:
            raise NoAnswer(Outcome.NOT_RUNNABLE, _line(error), log=str(error)) from None
    return Rerun(tuple(answers), tuple(twice), environment)


def deterministic(isolation: Isolation, threads: int) -> Isolation:
    """Return an isolation with a fixed number of threads."""
    env = dict(isolation.env) | dict.fromkeys(_THREADS, str(threads))
    return replace(isolation, env=tuple(sorted(env.items())))


def noise_of(found: Rerun) -> Noise:
    """Say how many decisions of the whole the noise of the probe could flip.

    Where margins are known, those within the noise; else as many of the whole as were flipped in
    the probe, in proportion.
    """
    pairs = list(zip(found.predictions, found.probed, strict=False))
    flips = sum(a.value != b.value for a, b in pairs)
    moved = [
        abs(a.score - b.score) for a, b in pairs if a.score is not None and b.score is not None
    ]
    band = max(moved, default=0.0)
    if not flips and band == 0.0:
        return Noise()
    margins = [it.margin for it in found.predictions]
    if all(margin is not None for margin in margins):
        return Noise(doubtful=max(flips, sum(m < band for m in margins if m is not None)))
    share = flips / max(1, len(pairs))
    return Noise(doubtful=max(1, ceil(share * len(found.predictions))))


def as_decisions(found: Rerun) -> Rerun:
    """Read pairs of numbers as decisions for the larger one, as clear as they are far apart."""
    return replace(
        found,
        predictions=tuple(map(_decision, found.predictions)),
        probed=tuple(map(_decision, found.probed)),
    )


def _decision(said: Prediction) -> Prediction:
    difference = float(said.value[0] - said.value[1])
    return Prediction(difference > 0, difference, abs(difference))


def other_batch(batch: int) -> int:
    """Return another batch size, small enough that the probe has several batches.

    Example:
        >>> other_batch(32), other_batch(1)
        (11, 7)
    """
    return max(1, batch // 3 + 1) if batch > 1 else 7


def _line(error: Exception) -> str:
    """Return the last words of an error: of a traceback, what was raised."""
    text = error.message if isinstance(error, RepriseError) else str(error)
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0][:500] if lines else type(error).__name__
