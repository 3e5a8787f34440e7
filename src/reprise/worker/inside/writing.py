"""Jobs that ask for text: all of a model's run in one batch, and join and leave it as they like."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import RepriseError
from reprise.models.generate.call import make_call
from reprise.models.generate.continuous import Continuous, Member, Taken
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.inside.stops import Stops
from reprise.worker.inside.voices import Voice
from reprise.worker.inside.wishes import Penalties, Wish

log = logging.getLogger("reprise.worker")
_SHARE = 4  # of the memory, for keys and values
_FLOAT = 4  # bytes


@dataclass
class _Job:
    id: str
    wish: Wish
    voices: list[Voice] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    error: RepriseError | None = None

    @property
    def done(self) -> bool:
        return self.error is not None or all(voice.ended for voice in self.voices)


class Writer:
    """Jobs that ask for text.

    Args:
        said: Is told a piece of a job's answer, and whether it is the last.
        failed: Is told why a job cannot go on.
        rows: Most answers that are written together.
        memory: Bytes that models may take; keys and values may take a part of it.
    """

    def __init__(
        self,
        said: Callable[[str, bytes, bool], None],
        failed: Callable[[str, Exception], None],
        *,
        rows: int,
        memory: int,
    ) -> None:
        self._said, self._failed = said, failed
        self._rows, self._memory = rows, memory
        self._batch: Continuous | None = None
        self._jobs: dict[str, _Job] = {}
        self._owners: dict[Member, tuple[_Job, Voice]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is being written."""
        return bool(self._jobs)

    def add(self, job: str, pipe: TextGeneration, wish: Wish) -> None:
        """Let a job join at the next step.

        Raises:
            RepriseError: Its settings cannot be, or it is too large.
        """
        if self._batch is None:
            room = self._memory // _SHARE // _bytes_per_key(pipe)
            self._batch = Continuous(rows=self._rows, room=max(room, 1024))
        runner, made = pipe.model.runner(), _Job(job, wish)
        told = {**wish.settings, "num_return_sequences": wish.copies}
        calls = [make_call(runner, {**told, "input_ids": ids[None]}) for ids in wish.prompts]
        try:
            for call in calls:
                made.members += self._batch.add(call)
        except RepriseError:
            self._batch.drop(made.members)
            raise
        for member in made.members:
            stops = Stops(wish.stops, keep=wish.keep_stop)
            voice = Voice(len(made.voices), pipe.tokenizer, stops, wish.logprobs)
            made.voices.append(voice)
            self._owners[member] = made, voice
            if any(wish.penalties):
                member.row.rules = [*member.row.rules, Penalties(*wish.penalties)]
            if wish.rule is not None:
                member.row.rules = [*member.row.rules, wish.rule()]
        self._jobs[job] = made
        if wish.form.stream:
            self._said(job, wish.form.begin(), False)

    def drop(self, job: str) -> bool:
        """Stop writing for a job; tells whether it was there."""
        if job not in self._jobs:
            return False
        self._leave(self._jobs[job])
        return True

    def step(self) -> None:
        """Write one token for everybody."""
        assert self._batch is not None
        touched: dict[str, _Job] = {}
        for taken in self._batch.step():
            if taken.member in self._owners:
                job, voice = self._owners[taken.member]
                touched[job.id] = job
                self._take(job, voice, taken)
        for job in touched.values():
            if job.done:
                self._finish(job)

    def _take(self, job: _Job, voice: Voice, taken: Taken) -> None:
        if taken.piece is None:
            job.error = taken.member.error
            return
        said = voice.take(taken.piece.token, taken.piece.ended, taken.scores)
        if said.ended:
            del self._owners[taken.member]
            if not taken.piece.ended and self._batch is not None:
                self._batch.drop([taken.member])
        if job.wish.form.stream:
            data = job.wish.form.say(said)
            if data:
                self._said(job.id, data, False)

    def _finish(self, job: _Job) -> None:
        self._leave(job)
        if job.error is not None:
            self._failed(job.id, job.error)
            return
        self._said(job.id, job.wish.form.end(job.voices), True)

    def _leave(self, job: _Job) -> None:
        del self._jobs[job.id]
        left = [member for member in job.members if self._owners.pop(member, None) is not None]
        if left and self._batch is not None:
            self._batch.drop(left)


def _bytes_per_key(pipe: TextGeneration) -> int:
    """Count the bytes that one token of one row takes in the cache, in all layers."""
    spec = pipe.model.plan.spec
    tower = spec.decoder or spec.encoder
    stack: Any = tower.stack
    widths = (stack.attention.groups_of(stack.set_of(layer)) * stack.attention.width
              for layer in range(stack.layers))  # fmt: skip
    return 2 * _FLOAT * int(sum(widths))
