"""`reprise verify` and `reprise claim`: compute claimed numbers again, or a new one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.base.errors import InvalidInput
from reprise.cli import output
from reprise.cli.isolation_options import isolation_options, taken
from reprise.cli.key import signer, ssh_key_option
from reprise.cli.lock import name_and_value

if TYPE_CHECKING:
    from reprise.formats.verdict import Outcome
    from reprise.hub.snapshots import Options
    from reprise.verify.running import How, Report

_EXIT_FAILED, _EXIT_NOT_REPRODUCED = 1, 3
_LEVELS = {"recompute": "recomputed", "rerun": "rerun", "retrain": "retrained"}
_SHOWN = 10  # differing examples


@click.command()
@click.argument("repo", required=False)
@click.option("--claim", "claim_id", metavar="ID", help="One claim: its id or digest.")
@click.option("--due", "is_due", is_flag=True,
              help="Instead of REPO: what the hub wants verified again; posts.")  # fmt: skip
@click.option("--older", type=click.IntRange(0, 100_000), metavar="DAYS",
              help="With --due: from this age on a verdict is old.  [default: 180]")  # fmt: skip
@click.option("--most", type=click.IntRange(1), metavar="N", help="With --due: at most N claims.")
@click.option("--list", "is_list", is_flag=True, help="Only list what is claimed.")
@click.option(
    "--level", type=click.Choice(list(_LEVELS)), default="rerun", show_default=True,
    help="Metric from stored predictions; model from pinned weights; training.",
)  # fmt: skip
@click.option(
    "--evidence", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Where predictions, statistics, log and verdict go.",
)  # fmt: skip
@click.option("--lock", type=click.Path(path_type=Path, exists=True), metavar="FILE",
              help="A reprise.lock that decides commits, rows and packages.")  # fmt: skip
@click.option("--trainings", type=click.IntRange(3, 100),
              help="With --level retrain: at most so many.  [default: 5]")  # fmt: skip
@click.option("--training-seconds", type=click.FloatRange(1),
              help="With --level retrain: how long one may take.  [default: 3600]")  # fmt: skip
@click.option("--sign", is_flag=True, help="Sign the verdicts; makes a key the first time.")
@click.option(
    "--post",
    "is_posted",
    is_flag=True,
    help="Sign the verdicts and post them to the hub, which shows them to everybody.",
)
@ssh_key_option
@click.option("--endpoint", "--hub", "endpoint", metavar="URL",
              help="Another hub than HF_ENDPOINT.")  # fmt: skip
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@isolation_options
@output.json_option
@click.pass_context
def verify(ctx: click.Context, /, repo: str | None, claim_id: str | None, **given: Any) -> None:
    """Compute what REPO claims again, from pinned weights and data, without network.

    Exits with 0 when every claim stands, with 3 when one does not, with 1 when one could not be
    run.
    """
    from reprise.verify.running import verify as verify_all

    is_list, is_posted, ssh_key = (given.pop(it) for it in ("is_list", "is_posted", "ssh_key"))
    is_due, older, most = (given.pop(it) for it in ("is_due", "older", "most"))
    if ssh_key is not None and not (is_posted or is_due):
        raise click.UsageError("--ssh-key goes with --post or --due.")
    how = _how(given)
    if repo is None or is_due:
        if repo is not None or not is_due or is_list or claim_id is not None:
            raise click.UsageError("Give a REPO, or --due without --claim and --list.")
        ctx.exit(_verify_due(how, ssh_key, (older, most)))
    if is_list:
        _list(repo, how)
        return
    if is_posted:
        reports = _posted(repo, claim_id, how, ssh_key)
    else:
        with output.status(f"verifying {repo}"):
            reports = verify_all(repo, claim_id, how)
    _show(reports)
    ctx.exit(_exit_code([report.verdict.outcome for report in reports]))


@click.command("claim")
@click.argument("repo")
@click.argument("slug")
@click.option("--data", required=True, metavar="REPO", help="The data set.")
@click.option("--split", required=True, metavar="NAME", help="Its split.")
@click.option("--config", metavar="NAME", help="Its configuration.")
@click.option("--metric", required=True, metavar="ID", help="The metric: accuracy, squad2@1.0.")
@click.option("-o", "--option", "options", multiple=True, metavar="NAME=VALUE", help="Of it.")
@click.option("--value", metavar="NAME", help="Which of the metric's values.")
@click.option("--task", required=True, help="Kind of work: text-classification.")
@click.option("--run", "args", multiple=True, metavar="NAME=VALUE",
              help="name (entry point), input, label, kwargs, call, method.")  # fmt: skip
@click.option("--decimals", type=click.IntRange(0, 12), help="Of the value.")
@click.option("--batch", type=click.IntRange(1), help="Examples in one call.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many rows.")
@click.option("--eval-results", "task_id", metavar="TASK",
              help="Also write .eval_results, for this task of a benchmark.")  # fmt: skip
@click.option("--into", type=click.Path(path_type=Path, file_okay=False, exists=True),
              default=".", help="Folder of the model's repo.  [default: .]")  # fmt: skip
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@isolation_options
@output.json_option
def claim_command(repo: str, slug: str, into: Path, decimals: int | None, **given: Any) -> None:
    """Compute a score of REPO and write the claim SLUG of it, with every pin.

    The claim, its predictions and its lock go below .reprise of the model's folder; publish that,
    and everybody can verify it.
    """
    from reprise.formats.claim import to_dict
    from reprise.hub.isolated import log_step
    from reprise.hub.locking import Locking
    from reprise.verify.claiming import Wanted, make

    draft = _draft(repo, given)
    how = _how(given)
    isolation = how.isolation
    locking = Locking(python=isolation.python, sources=isolation.sources, progress=log_step)
    with output.status(f"computing {slug}"):
        made = make(Wanted(draft, slug, decimals, given["task_id"]), into, how, locking)
    value = {"path": str(into / ".reprise/claims" / f"{slug}.toml"), "digest": made.digest}
    output.show({**value, **to_dict(made)}, f"{made.metric.id}\t{made.result.value}\t{made.digest}")
    output.hint(f"reprise publish {into} {repo}")


def _posted(repo: str, claim_id: str | None, how: "How", ssh_key: Path | None) -> "list[Report]":
    """Verify what the hub lists, and post each verdict."""
    from reprise.hub.snapshots import open_snapshot
    from reprise.hub.verdicts import claims_of
    from reprise.verify import gathering, posting
    from reprise.verify.running import verify_claim

    endpoint = how.options.endpoint
    desk = posting.open_desk(signer(ssh_key), endpoint)
    chosen = gathering.choose(claims_of(repo, endpoint=endpoint), claim_id)
    snapshot = open_snapshot(repo, how.options)
    reports = []
    for found in chosen:
        with output.status(f"verifying {found.id} of {repo}"):
            report = verify_claim(found, how, snapshot.root)
            made = posting.post(desk, report)
        reports.append(report)
        output.say(f"{found.id}: posted as entry {made.get('logIndex')} of the log")
    return reports


def _verify_due(how: "How", ssh_key: Path | None, wanted: tuple[int | None, int | None]) -> int:
    """Verify what the hub says is due, as it was verified last; return the exit code."""
    from dataclasses import replace

    from reprise.cli.due import verify_due
    from reprise.formats.verdict import Level
    from reprise.hub.due import DueClaim, due

    source = click.get_current_context().get_parameter_source("level")
    is_chosen = source is click.core.ParameterSource.COMMANDLINE

    def run(it: DueClaim) -> "list[Report]":
        level = how.level if is_chosen else Level(it.level)
        return _posted(it.repo, it.digest, replace(how, level=level), ssh_key)

    days, most = wanted
    reports, failed = verify_due(run, due(days=days, limit=most, endpoint=how.options.endpoint))
    _show(reports)
    return _EXIT_FAILED if failed else _exit_code([it.verdict.outcome for it in reports])


def _how(given: dict[str, Any]) -> "How":
    from dataclasses import replace

    from reprise.formats.verdict import Level
    from reprise.hub.isolated import Isolation
    from reprise.verify import keys
    from reprise.verify.retraining import Plan
    from reprise.verify.running import How

    offline = bool(given.get("offline"))
    isolation = taken(given, wanted=True, flag="") or Isolation()
    sources = replace(isolation.sources, offline=offline)
    level = _LEVELS[given.get("level", "rerun")]
    key = None
    if given.get("sign"):
        output.say(f"Signed by {keys.make()}")
        key = keys.read()
    return How(
        Level(level), replace(isolation, sources=sources), _options(given),
        given.get("evidence"), key, lock=given.get("lock"),
        training=Plan(given.get("trainings") or Plan.most,
                      given.get("training_seconds") or Plan.seconds),
    )  # fmt: skip


def _options(given: dict[str, Any]) -> "Options":
    from reprise.hub.snapshots import Options

    return Options(endpoint=given["endpoint"], offline=given["offline"] or None)


def _draft(repo: str, given: dict[str, Any]) -> Any:
    from reprise.formats import claim
    from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated

    name, at, commit = repo.partition("@")
    if ":" in name.rpartition("/")[2]:
        raise InvalidInput("A claim is about a commit: write owner/name or owner/name@commit.")
    draft = Claim(
        task=given["task"],
        model=ModelPin(name, commit if at else None),
        data=DataPin(given["data"], None, given["config"], given["split"], limit=given["limit"]),
        metric=MetricPin(
            given["metric"], given["value"], dict(map(name_and_value, given["options"]))
        ),
        result=Stated("0"),
        run=Setup(args=dict(map(name_and_value, given["args"])), batch=given["batch"]),
    )
    return claim.from_dict(claim.to_dict(draft))  # held to the same rules as any other


def _list(repo: str, how: "How") -> None:
    from reprise.hub.snapshots import open_snapshot
    from reprise.verify.gathering import claims_of

    found = claims_of(open_snapshot(repo, how.options))
    rows = [
        {
            "id": it.id, "value": it.claim.result.value, "metric": it.claim.metric.id,
            "data": it.claim.data.repo, "split": it.claim.data.split, "pins": it.claim.pins,
            "missing": list(it.claim.missing_pins), "path": it.path, "digest": it.claim.digest,
        }
        for it in found.found
    ]  # fmt: skip
    output.table(
        rows, ["id", "value", "metric", "data", "split", "pins"], empty="It claims nothing."
    )
    for problem in found.problems:
        output.warn(problem)


def _show(reports: "list[Report]") -> None:
    from reprise.formats import verdict

    rows = [
        {
            "claim": it.found.id, "outcome": str(it.verdict.outcome),
            "claimed": it.verdict.claimed, "value": it.verdict.value,
            "reason": it.verdict.reason, "evidence": str(it.folder),
            "verdict": verdict.to_dict(it.verdict),
        }
        for it in reports
    ]  # fmt: skip
    output.table(rows, ["claim", "outcome", "claimed", "value", "reason"])
    for it in reports:
        if it.verdict.flips and it.verdict.flips.examples:
            ids = it.verdict.flips.examples
            more = f" and {len(ids) - _SHOWN} more" if ids[_SHOWN:] else ""
            output.say(f"{it.found.id}: rows that differ: {', '.join(ids[:_SHOWN])}{more}")
        for name, value in it.verdict.pins.items():
            output.say(f"{it.found.id}: the claim could pin {name}: {value}")
        output.say(f"{it.found.id}: evidence in {it.folder}")


def _exit_code(outcomes: "list[Outcome]") -> int:
    if any(not outcome.is_answer for outcome in outcomes):
        return _EXIT_FAILED
    return 0 if all(outcome.passes for outcome in outcomes) else _EXIT_NOT_REPRODUCED
