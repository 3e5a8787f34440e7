"""`reprise metric`: list, show and compute metrics."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.base.errors import InvalidFormat
from reprise.cli import output

if TYPE_CHECKING:
    from reprise.metrics import Definition, Score

_MAX_BYTES = 1 << 30  # of a file of predictions; beyond that use the library, in parts


@click.group()
def metric() -> None:
    """List, show and compute metrics."""


@metric.command("list")
@click.argument("search", default="")
@output.json_option
def list_command(search: str) -> None:
    """List the built-in metrics, or those with SEARCH in name or summary."""
    from reprise.metrics.catalogue import definitions

    rows = [_row(found) for found in definitions()]
    wanted = search.lower()
    shown = [row for row in rows if wanted in f"{row['metric']} {row['summary']}".lower()]
    output.table(shown, ["metric", "unit", "summary"], empty="There is no such metric.")


@metric.command("show")
@click.argument("name")
@click.argument("config", required=False)
@output.json_option
def show_command(name: str, config: str | None) -> None:
    """Show the definition of a metric: options, values, hash.

    NAME is an id (squad2, f1@1.0), a name that `evaluate` has for it, or a repo (owner/name);
    CONFIG is the task of a benchmark (mrpc of glue).
    """
    from reprise.metrics.loading import find_definition

    found = find_definition(name, config)
    value = _described(found)
    output.show(value, lambda: _page(value))


@metric.command("compute")
@click.argument("name")
@click.argument("config", required=False)
@click.option(
    "-p", "--predictions", "said", required=True, metavar="FILE", help="What a model says."
)
@click.option("-r", "--references", "true", metavar="FILE", help="What is right.")
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the metric; the value is JSON or text.",
)
@click.option(
    "--replicates", type=click.IntRange(0, 100_000), help="Bootstrap draws.  [default: 1000]"
)
@click.option("--seed", type=click.IntRange(0), help="Of the draws.")
@click.option(
    "--examples", metavar="FILE", help="Write every example's statistics (.jsonl, .parquet)."
)
@output.json_option
def compute_command(
    name: str, config: str | None, said: str, true: str | None, options: tuple[str, ...],
    replicates: int | None, seed: int | None, examples: str | None,
) -> None:  # fmt: skip
    """Compute a metric from files.

    A .json file holds a list, or an object by id; a .jsonl file one value per line; any other file
    one text per line.
    """
    from reprise import load_metric

    given = dict(_option(text) for text in options)
    loaded = load_metric(name, config, replicates=replicates, seed=seed, **given)
    result = loaded.compute(_read(said), None if true is None else _read(true))
    if examples:
        write = result.examples.to_parquet if examples.endswith(".parquet") else \
            result.examples.to_jsonl  # fmt: skip
        write(examples)
    scores = [score.to_dict() for score in result.scores.values()]
    value = {"values": dict(result), "scores": scores, "signature": result.signature,
             "notes": list(result.notes)}  # fmt: skip
    output.show(value, lambda: "\n".join([*map(_line, result.scores.values()), result.signature]))
    for note in result.notes:
        output.hint(note)


def _row(found: "Definition") -> dict[str, Any]:
    return {"metric": found.name, "unit": found.unit, "summary": found.summary}


def _described(found: "Definition") -> dict[str, Any]:
    from reprise.metrics.fingerprint import definition_hash
    from reprise.metrics.options import MANDATORY
    from reprise.metrics.vectors import vectors_of

    options = [
        {
            "name": option.name,
            "summary": option.summary,
            "mandatory": option.default is MANDATORY,
            "default": None if option.default is MANDATORY else option.default,
            "choices": list(option.choices),
        }
        for option in found.options
    ]
    return {
        **_row(found),
        "main": found.main,
        "higher_is_better": found.higher_is_better,
        "fixed": dict(found.fixed),
        "options": options,
        "statistics": list(found.statistics),
        "source": found.source,
        "test_vectors": len(vectors_of(found)),
        "definition": definition_hash(found),
    }


def _page(value: dict[str, Any]) -> str:
    better = "higher" if value["higher_is_better"] else "lower"
    lines = [
        f"{value['metric']}: {value['summary']}",
        f"main value {value['main']}, unit {value['unit']}, {better} is better",
        f"definition {value['definition']}, {value['test_vectors']} test vectors",
    ]
    lines += [f"follows {value['source']}"] if value["source"] else []
    lines += [f"always: {', '.join(f'{k}:{v}' for k, v in value['fixed'].items())}"] * bool(
        value["fixed"]
    )
    for option in value["options"]:
        choices = f" ({' or '.join(map(str, option['choices']))})" if option["choices"] else ""
        default = "mandatory" if option["mandatory"] else f"default {option['default']}"
        lines.append(f"  -o {option['name']}=…  {option['summary']}{choices}; {default}")
    return "\n".join(lines)


def _line(score: "Score") -> str:
    if score.value is None:
        return f"{score.name}\tundefined"
    low, high = score.ci or (None, None)
    parts = [score.name, repr(score.value), score.unit]
    parts += [f"±{score.stderr:.3g}", f"[{low:.6g}, {high:.6g}]"] if score.ci else []
    return "\t".join(parts)


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE.", param_hint="--option")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _read(name: str) -> Any:
    path = Path(name)
    if path.is_file() and path.stat().st_size > _MAX_BYTES:
        raise InvalidFormat(f"{name} is larger than 1 GB; use the library, part by part.")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return json.loads(text)
        lines = text.split("\n")
        lines = lines[:-1] if lines[-1] == "" else lines
        return [json.loads(line) for line in lines] if path.suffix == ".jsonl" else lines
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{name} cannot be read: {error}") from None
