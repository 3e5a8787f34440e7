"""`reprise run`: a model's answer to what is typed, piped in or named as a file."""

import json
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

from reprise.base.errors import InvalidInput
from reprise.cli import output

_DIGITS = 6  # of numbers that people see
# What has a place of its own in the command.
_OWN = {"model": "the first word names it"} | {
    name: f"write --{name}"
    for name in ("task", "revision", "engine", "batch", "endpoint", "offline")
}


@click.command()
@click.argument("repo")
@click.argument("words", nargs=-1, metavar="[TASK] [INPUT]...")
@click.option("--task", metavar="TASK", help="What to do, when the first word is an input.")
@click.option("--revision", default="", metavar="REVISION", help="Branch, tag or commit.")
@click.option("--engine", default="auto", type=click.Choice(["auto", "onnx", "torch"]),
              help="What computes.  [default: auto]")  # fmt: skip
@click.option("--batch", default="auto", metavar="N", help="Rows at once.  [default: auto]")
@click.option("-o", "--option", "options", multiple=True, metavar="NAME=VALUE",
              help="A parameter of the task, such as top_k=3.")  # fmt: skip
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@output.json_option
def run(repo: str, words: tuple[str, ...], task: str | None, batch: str,
        options: tuple[str, ...], offline: bool, **given: Any) -> None:  # fmt: skip
    """Run REPO on inputs and print what it answers.

    Instead of REPO a task may stand alone: then the hub in use says which model runs it.
    TASK is what to do, such as text-classification; without it the repo says what it is for.
    INPUT is a text, or a file for images and sound. Without any, every line of stdin is one, and
    with --json every result is one line of JSON as soon as it is there; up to 1,000 lines are read
    ahead, with --batch 1 none.
    """
    from reprise.tasks import Stopped, pipeline
    from reprise.tasks.kinds import is_task

    model: str | None = repo
    if task is None and is_task(repo) and not Path(repo).is_dir():
        task, model = repo, None
    elif task is None and words and is_task(words[0]) and (words[1:] or not sys.stdin.isatty()):
        task, words = words[0], words[1:]
    if not words and sys.stdin.isatty():
        raise click.UsageError("Name an input, or pipe lines into it.")
    more = dict(_option(text) for text in options)
    pipe = pipeline(task, model, batch=_batch(batch), offline=offline or None, **more, **given)
    output.say(_notice(pipe))
    if words:
        _print(pipe.typed(list(words)))
        return
    try:
        for result in pipe.lines(_lines()):
            _print(result, on_one_line=True)
    except Stopped as stopped:
        for result in takewhile(lambda each: each is not None, stopped.results):
            _print(result, on_one_line=True)
        raise


def _notice(pipe: Any) -> str:
    where = f"{pipe.parts.name} at {pipe.commit}" if pipe.commit else pipe.parts.name
    return f"{pipe.task} with {where}, engine {pipe.model.engine}"


def _print(result: Any, *, on_one_line: bool = False) -> None:
    if on_one_line and output.wants_json():
        print(json.dumps(result, ensure_ascii=False), flush=True)
    else:
        output.show(result, lambda: _text(result))


def _text(result: Any) -> str:
    """Write a result for people: one line per finding, its values between tabs."""
    if isinstance(result, list) and result and isinstance(result[0], list):
        nested = isinstance(result[0][0] if result[0] else None, list)
        return json.dumps(result) if nested else "\n\n".join(_text(each) for each in result)
    if isinstance(result, list):
        return "\n".join(_text(each) for each in result)
    if isinstance(result, dict):
        return "\t".join(_cell(value) for value in result.values())
    return _cell(result)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _lines() -> Iterator[str]:
    stream = sys.stdin.buffer
    for number, line in enumerate(stream, 1):
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"Line {number} is not UTF-8: {error.reason}.") from None
        if text:
            yield text


def _batch(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE.", param_hint="--option")
    if name in _OWN:
        raise click.BadParameter(f"{name} is no parameter of a task; {_OWN[name]}.",
                                 param_hint="--option")  # fmt: skip
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
