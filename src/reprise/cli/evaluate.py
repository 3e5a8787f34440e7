"""`reprise eval`: a model's score on a benchmark, and the claim of it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.cli import output
from reprise.cli.isolation_options import isolation_options, taken
from reprise.cli.lock import name_and_value

if TYPE_CHECKING:
    from reprise.formats.benchmark import Benchmark, Source
    from reprise.hub.snapshots import Options
    from reprise.metrics import Score


def _list(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value:
        return
    from reprise.verify import sources
    from reprise.verify.evaluators import catalogue

    rows = [
        {"benchmark": it.id, "evaluator": it.evaluator, "summary": it.title}
        for it in sources.built_in()
    ]
    rows += [
        {"benchmark": it.name, "evaluator": it.entry, "summary": it.summary}
        for it in catalogue.all_of_them()
    ]
    output.table(rows, ["benchmark", "evaluator", "summary"])
    ctx.exit()


@click.command("eval")
@click.argument("model")
@click.argument("benchmark")
@click.option("--data", metavar="PLACE", help="File, folder or data set with the rows.")
@click.option("--split", metavar="NAME", help="Its split.")
@click.option("--config", metavar="NAME", help="Its configuration.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many rows.")
@click.option("--metric", metavar="ID", help="Another metric: accuracy, squad2@1.0.")
@click.option("-o", "--option", "options", multiple=True, metavar="NAME=VALUE",
              help="Of the metric: scheme=IOB2.")  # fmt: skip
@click.option("--value", metavar="NAME", help="Which of the metric's values.")
@click.option("-p", "--protocol", multiple=True, metavar="NAME=VALUE",
              help="Of the evaluator: input=text, label=intent.")  # fmt: skip
@click.option("--engine", type=click.Choice(["auto", "onnx", "torch"]), help="What computes.")
@click.option("--threads", type=click.IntRange(1), help="Processor threads.  [default: 1]")
@click.option("--batch", type=click.IntRange(1), help="Examples in one call.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Where score, predictions and statistics of every example go.")  # fmt: skip
@click.option("--claim", "slug", metavar="SLUG", help="Also claim the score under this name.")
@click.option("--decimals", type=click.IntRange(0, 12), help="Of the claimed value.")
@click.option("--eval-results", "task_id", metavar="TASK",
              help="With --claim: also write .eval_results, for this task.")  # fmt: skip
@click.option("--into", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="With --claim: folder of the model's repo.  [default: .]")  # fmt: skip
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list,
              help="List built-in benchmarks and evaluators.")  # fmt: skip
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@isolation_options
@output.json_option
def evaluate(model: str, benchmark: str, slug: str | None, keep: Path | None, **given: Any) -> None:
    """Evaluate MODEL on BENCHMARK and print the score.

    BENCHMARK is a built-in one (see --list), a TOML file, a data set with a benchmark of its own
    (owner/name, owner/name#id), or an evaluator, for which --data names the rows. With --claim
    the score is computed in a worker without network, as others will, and the claim with all its
    pins goes into the model's folder.
    """
    from reprise.hub.snapshots import Options
    from reprise.verify import evaluating, sources

    options = Options(endpoint=given["endpoint"], offline=given["offline"] or None)
    found = _changed(sources.find(benchmark, options), given)
    if slug is not None:
        _claim(slug, evaluating.draft(model, found, options), options, given)
        return
    for name in ("decimals", "task_id", "into"):
        if given[name] is not None:
            option = {"task_id": "eval-results"}.get(name, name)
            raise click.UsageError(f"--{option} is about a claim; it needs --claim.")
    taken(given, wanted=False, flag="--claim")
    done = evaluating.evaluate(model, found, options)
    place = evaluating.keep(done, keep)
    value = {**done.to_dict(), "kept": str(place)}
    output.show(value, lambda: "\n".join(map(_line, done.result.scores.values())))
    output.say(done.score.signature)
    for note in done.result.notes:
        output.hint(note)
    output.say(f"Every example is in {place}")


def _changed(found: "Benchmark", given: dict[str, Any]) -> "Benchmark":
    """Put what the command line says in place of what the benchmark says."""
    from reprise.formats.claim import MetricPin

    said = dict(map(name_and_value, given["protocol"]))
    said |= {name: given[name] for name in ("engine", "threads") if given[name] is not None}
    options, metric = dict(map(name_and_value, given["options"])), found.metric
    if given["metric"] is not None:
        metric = MetricPin(given["metric"], given["value"], options)
    elif options or given["value"]:
        from reprise.verify.evaluators import catalogue

        old = metric or MetricPin(catalogue.find(found.evaluator).metric)
        metric = replace(old, value=given["value"] or old.value, args={**old.args, **options})
    return replace(
        found, metric=metric, protocol={**found.protocol, **said}, data=_data(found.data, given),
        batch=given["batch"] or found.batch,
    )  # fmt: skip


def _data(source: "Source", given: dict[str, Any]) -> "Source":
    place = given["data"]
    if place is not None:
        is_here = Path(place).expanduser().exists()
        repo, _, commit = place.partition("@")
        source = replace(
            source, path=place if is_here else None, repo=None if is_here else repo,
            commit=None if is_here else commit or None,
        )  # fmt: skip
    more = {name: given[name] for name in ("split", "config", "limit") if given[name] is not None}
    return replace(source, **more)


def _claim(slug: str, drafted: Any, options: "Options", given: dict[str, Any]) -> None:
    from reprise.data.progress import row_meter
    from reprise.formats.claim import to_dict
    from reprise.hub.isolated import Isolation, log_step
    from reprise.hub.locking import Locking
    from reprise.verify.claiming import Wanted, make
    from reprise.verify.running import How

    isolation = taken(given, wanted=True, flag="") or Isolation()
    sources = replace(isolation.sources, offline=bool(given["offline"]))
    isolation = replace(isolation, sources=sources)
    locking = Locking(python=isolation.python, sources=sources, progress=log_step)
    into = given["into"] or Path()
    with row_meter(f"Computing {slug}", None) as advance:
        how = How(isolation=isolation, options=options, advance=advance)
        wanted = Wanted(drafted, slug, given["decimals"], given["task_id"])
        made = make(wanted, into, how, locking)
    value = {"path": str(into / ".reprise/claims" / f"{slug}.toml"), "digest": made.digest}
    shown = [made.metric.value, made.result.value, made.metric.unit, f"n={made.result.n}"]
    shown += [f"±{made.result.stderr}", f"[{', '.join(made.result.ci)}]"] if made.result.ci else []
    output.show({**value, **to_dict(made)}, "\t".join(map(str, [*shown, made.digest])))
    output.hint(f"reprise publish {into} {made.model.repo}")


def _line(score: "Score") -> str:
    if score.value is None:
        return f"{score.name}\tundefined\tn={score.n}"
    parts = [score.name, f"{score.value:.6g}", score.unit, f"n={score.n}"]
    if score.ci is not None and score.stderr is not None:
        parts += [f"±{score.stderr:.3g}", f"[{score.ci[0]:.6g}, {score.ci[1]:.6g}]"]
    return "\t".join(parts)
