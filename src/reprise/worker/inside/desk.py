"""Where jobs of one model are read and done: tasks in batches, texts in one running batch."""

from functools import partial
from typing import Any

from reprise.base.errors import InvalidField, InvalidInput, NotSupported
from reprise.formats.tasks import canonical_task
from reprise.tasks.base import Pipeline
from reprise.tasks.sentence_similarity import SentenceSimilarity
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.inside.batching import Batches
from reprise.worker.inside.faces import chat, completion, generation
from reprise.worker.inside.model import Model
from reprise.worker.inside.replies import Message, Replies
from reprise.worker.inside.spelling import Spelling
from reprise.worker.inside.tasks import read_request
from reprise.worker.inside.vectors import pools, read_embeddings
from reprise.worker.inside.wishes import Wish
from reprise.worker.inside.writing import Writer

_TASKS = {"chat": "text-generation", "completion": "text-generation",
          "embedding": "sentence-similarity"}  # fmt: skip


class Desk:
    """Where jobs of one model are read and done.

    Args:
        model: Which.
        named: Its repo and commit, for answers that say them.
        replies: Is told what comes of jobs.
        rows: Most texts that are written together.
        memory: Bytes that models may take.
    """

    def __init__(self, model: Model, named: tuple[str, str], replies: Replies, *, rows: int,
                 memory: int) -> None:  # fmt: skip
        self._model, self._named, self._replies = model, named, replies
        self._spelling: Spelling | None = None
        self._batches = Batches(replies.answered, replies.failed)
        self._writer = Writer(replies.said, replies.failed, rows=rows, memory=memory)

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return self._batches.busy or self._writer.busy

    def begin(self, job: Message) -> None:
        """Read a job, and put it where it belongs; one that cannot be is answered at once."""
        self._replies.opened(job)
        try:
            self._begin(job)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is this job's
            self._replies.failed(job["job"], error)

    def drop(self, job: str) -> None:
        """Stop working on a job."""
        if self._batches.drop(job) or self._writer.drop(job):
            self._replies.ended(job)

    def turn(self) -> None:
        """Run one batch of tasks, and write one token for everybody."""
        if self._batches.busy:
            self._batches.run()
        if self._writer.busy:
            self._writer.step()

    def _begin(self, job: Message) -> None:
        kind, body, token = job["kind"], job["body"], job["token"]
        task = _TASKS.get(kind) or canonical_task(job["task"] or "")
        pipe = self._pipeline(task, token)
        if pipe.task == "feature-extraction" and pools(pipe.parts.folder):
            pipe = self._pipeline("sentence-similarity", token)
        if isinstance(pipe, TextGeneration):
            self._writer.add(job["job"], pipe, self._wish(job, pipe))
        elif job["stream"]:
            raise InvalidField(f"stream must be false: {pipe.task} gives its answer whole.",
                               field="stream")  # fmt: skip
        elif isinstance(pipe, SentenceSimilarity) and kind == "embedding":
            request = read_embeddings(pipe, body, self._named[0])
            self._batches.add(job["job"], pipe, request)
        else:
            self._batches.add(job["job"], pipe, read_request(pipe, body, job["client"]))

    def _pipeline(self, task: str, token: str) -> Pipeline:
        try:
            return self._model.pipeline(task, token)
        except (InvalidInput, NotSupported) as error:  # its hint is for people with the files
            name = task or "anything that is known here"
            message = f"{self._named[0]} cannot be used for {name}: {error.message}"
            raise InvalidInput(message) from error

    def _wish(self, job: Message, pipe: TextGeneration) -> Wish:
        body: Any = job["body"]
        spell = partial(self._spell, pipe)
        if job["kind"] == "task":
            return generation.read(pipe, body, stream=job["stream"], spell=spell)
        origin = chat.Origin(job["job"], *self._named)
        if job["kind"] == "chat":
            return chat.read(pipe, body, origin, stream=job["stream"], spell=spell)
        return completion.read(pipe, body, origin, stream=job["stream"])

    def _spell(self, pipe: TextGeneration) -> Spelling:
        """Give what the model's tokens spell: looked up once, when somebody needs it."""
        self._spelling = self._spelling or Spelling(pipe.tokenizer)
        return self._spelling
