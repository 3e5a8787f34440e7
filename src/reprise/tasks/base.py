"""What every pipeline does: read inputs, schedule their rows, put results into order.

A task says four things: how one input is read (`read`), which rows a window of inputs becomes
(`rows`), which fields of the model's answer it wants, and what the result of an input is
(`result`). Its parameters are a frozen dataclass, `Options`: given once for all calls, or per call.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from reprise.base.errors import InvalidInput, TooLarge
from reprise.tasks.parts import Parts
from reprise.tasks.progress import advancing
from reprise.tasks.rows import Array, Row
from reprise.tasks.running import Runner, Stopped
from reprise.tasks.schedule import Room, batches, read_batch, windows

Answer = dict[str, Array]
_SCHEDULE = ("batch", "batch_size", "progress")
# What gives items and is no dataset: parts of one thing, or things without an order.
_NO_ITEMS = (str, bytes, bytearray, memoryview, Mapping, Set, type)
# What transformers' pipelines take and what means nothing here.
_WITHOUT_MEANING = ("num_workers", "padding", "timeout", "clean_up_tokenization_spaces")


@dataclass(frozen=True)
class Options:
    """Parameters of a task; each task adds its own."""


@dataclass(frozen=True)
class Schedule:
    """How inputs are run.

    Attributes:
        batch: "auto" makes batches of about equal lengths under a budget of tokens; a number is
            rows per batch, and 1 also takes nothing from a generator before it is needed.
        progress: Whether a bar is shown; None: for many inputs, in a terminal.
    """

    batch: int | str = "auto"
    progress: bool | None = None


@dataclass(frozen=True)
class Done:
    """One input whose rows have all run."""

    item: Any  # as `read` gave it
    rows: Sequence[Row]
    answers: Sequence[Any]  # in the order of the rows


class Pipeline:
    """Runs one task on one model, see `reprise.pipeline`."""

    options_type: ClassVar[type[Options]] = Options
    fields: ClassVar[tuple[str, ...]] = ("logits",)
    by_token: ClassVar[bool] = False
    takes_mapping: ClassVar[bool] = False  # an input has several parts
    also: ClassVar[str] = ""  # what it takes beside the fields of its options, for people

    def __init__(self, parts: Parts, **given: Any) -> None:
        self.parts = parts
        schedule = self._split(given)
        self.schedule = replace(Schedule(), **schedule)
        self.options = self._changed(self.options_type(), given)
        self.runner = Runner(parts.model, parts.pad)
        self.prepare()

    @property
    def task(self) -> str:
        """What it is for."""
        return self.parts.task

    @property
    def model(self) -> Any:
        """The model it runs."""
        return self.parts.model

    @property
    def tokenizer(self) -> Any:
        """The tokenizer it reads text with; None without one."""
        return self.parts.given_tokenizer

    @property
    def commit(self) -> str:
        """Which commit of the repo runs; empty for files and models of the caller's own."""
        return self.parts.commit

    def __repr__(self) -> str:
        where = f"{self.parts.name}@{self.commit}" if self.commit else self.parts.name
        return f"Pipeline({self.task!r}, {where!r}, engine={self.model.engine!r})"

    def __call__(self, inputs: Any = None, **given: Any) -> Any:
        """Run the task.

        Args:
            inputs: One input, a list of them, or anything that gives one after the other: a
                generator, a dataset.
            **given: `batch` ("auto" or rows of a batch), `progress`, and the task's own
                parameters, which change what the pipeline was made with for this call.

        Returns:
            A result, a list of results, or an iterator over results, in the order of the inputs.

        Raises:
            InvalidInput: An input or a parameter cannot be used; the message says which.
            Stopped: Ctrl-C was pressed; `results` has what was done, of an iterator what it had
                not given yet.
        """
        schedule = replace(self.schedule, **self._split(given))
        options = self._changed(self.options, given)
        if self.is_one(inputs, options):
            return self._all([inputs], options, schedule)[0]
        if isinstance(inputs, list | tuple):
            return self._all(list(inputs), options, schedule)
        items = _items_of(inputs)
        if items is not None:
            return self._each(items, options, schedule)
        return self._all([inputs], options, schedule)[0]  # reading it says what is wrong

    # -- what a task says of itself -----------------------------------------------------------

    def prepare(self) -> None:
        """Get ready, once; refuse models that the task cannot use."""

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one input."""
        return isinstance(inputs, str | Mapping)

    def read(self, item: Any, options: Any) -> Any:
        """Check one input and bring it into the form that `rows` takes."""
        raise NotImplementedError

    def rows(self, items: Sequence[Any], options: Any) -> list[list[Row]]:
        """Make the rows of each input; at least one."""
        raise NotImplementedError

    def answers(self, rows: Sequence[Row], options: Any) -> list[Any]:  # noqa: ARG002
        """Run rows as one batch."""
        return self.runner.run(rows, self.fields, by_token=self.by_token)

    def check(self, row: Row) -> None:
        """Refuse a row that the model cannot run."""

    def room(self) -> Room:
        """Say what a batch may hold."""
        return self.runner.room

    def result(self, done: "Done", options: Any) -> Any:
        """Make the result of one input from the answers to its rows."""
        raise NotImplementedError

    # -- the command line ---------------------------------------------------------------------

    def typed(self, words: list[str]) -> Any:
        """Answer what somebody typed behind `reprise run`; gives what JSON can say."""
        return self(words[0] if len(words) == 1 else words)

    def lines(self, lines: Iterator[str]) -> Iterator[Any]:
        """Answer lines of text, one after the other; mappings are lines of JSON."""
        given: Iterator[Any] = map(_object, lines) if self.takes_mapping else lines
        found: Iterator[Any] = self(given)
        return found

    # -- schedule -----------------------------------------------------------------------------

    def _all(self, items: list[Any], options: Any, schedule: Schedule) -> list[Any]:
        done: dict[int, Any] = {}
        try:
            with advancing(len(items), wanted=schedule.progress) as advance:
                start = 0
                for window in windows(items, read_batch(schedule.batch)):
                    self._window(_Window(window, start, done, advance), options, schedule)
                    start += len(window)
        except KeyboardInterrupt:
            raise Stopped([done.get(index) for index in range(len(items))]) from None
        return [done[index] for index in range(len(items))]

    def _each(self, items: Iterator[Any], options: Any, schedule: Schedule) -> Iterator[Any]:
        start = 0
        with advancing(None, wanted=schedule.progress) as advance:
            for window in windows(items, read_batch(schedule.batch)):
                done: dict[int, Any] = {}
                here = range(start, start + len(window))
                try:
                    self._window(_Window(window, start, done, advance), options, schedule)
                except KeyboardInterrupt:
                    raise Stopped([done.get(index) for index in here]) from None
                yield from (done[index] for index in here)
                start += len(window)

    def _window(self, window: "_Window", options: Any, schedule: Schedule) -> None:
        """Run a window of inputs; results go into `done` as soon as they are there."""
        items = [self._read(item, window.start + at, options)
                 for at, item in enumerate(window.items)]  # fmt: skip
        rows = self.rows(items, options)
        flat = [(at, number) for at, own in enumerate(rows) for number in range(len(own))]
        for at, number in flat:
            with _numbered(window.start + at):
                self.check(rows[at][number])
        answers: list[list[Any]] = [[None] * len(own) for own in rows]
        missing = [len(own) for own in rows]
        costs = [rows[at][number].cost for at, number in flat]
        for group in batches(costs, self.room(), rows=read_batch(schedule.batch),
                             alike=self.runner.alike):  # fmt: skip
            chosen = [flat[index] for index in group]
            found = self.answers([rows[at][number] for at, number in chosen], options)
            for (at, number), answer in zip(chosen, found, strict=True):
                answers[at][number] = answer
                missing[at] -= 1
                if not missing[at]:
                    result = self.result(Done(items[at], rows[at], answers[at]), options)
                    window.done[window.start + at] = result
                    answers[at] = []
                    window.advance()

    def _read(self, item: Any, number: int, options: Any) -> Any:
        with _numbered(number):
            return self.read(item, options)

    # -- parameters ---------------------------------------------------------------------------

    def _split(self, given: dict[str, Any]) -> dict[str, Any]:
        """Take what says how to run out of the parameters."""
        for name in _WITHOUT_MEANING:
            given.pop(name, None)
        found = {name: given.pop(name) for name in _SCHEDULE if name in given}
        if "batch_size" in found:  # transformers' name
            found.setdefault("batch", found.pop("batch_size"))
        read_batch(found.get("batch"))
        return found

    def _changed(self, options: Any, given: dict[str, Any]) -> Any:
        known = {field.name for field in fields(options)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise InvalidInput(
                f"{self.task} takes no {', '.join(unknown)}.",
                hint=f"It takes {', '.join(sorted(known | {'batch', 'progress'}))}{self.also}.",
            )
        return replace(options, **given) if given else options


@dataclass(frozen=True)
class _Window:
    items: list[Any]
    start: int  # number of its first input
    done: dict[int, Any]  # results by number of the input
    advance: Callable[[], None]


class _numbered(AbstractContextManager[None]):  # noqa: N801 - reads as a statement
    """Put the number of the input before what is wrong with it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, InvalidInput | TooLarge) and error.args:
            message = f"Input {self.number}: {error.message}"
            raise type(error)(message, hint=error.hint) from error


def _object(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidInput(f"A line must be a JSON object here, unlike {line[:80]!r}.") from None


def _items_of(inputs: Any) -> Iterator[Any] | None:
    """Give what a generator, a stream or a dataset holds; None: it is one input, or no input."""
    if isinstance(inputs, Iterator):
        return inputs
    if isinstance(inputs, _NO_ITEMS) or hasattr(inputs, "__array__"):
        return None
    if isinstance(inputs, Iterable):
        return iter(inputs)
    if hasattr(inputs, "__len__") and hasattr(inputs, "__getitem__"):  # as datasets of torch
        return (inputs[index] for index in range(len(inputs)))
    return None
