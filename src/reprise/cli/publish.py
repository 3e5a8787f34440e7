"""`reprise publish`: a folder becomes a repo."""

import logging
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.cli import output

if TYPE_CHECKING:
    from reprise.hub.locking import Locking
    from reprise.hub.publishing import Plan


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("repo")
@click.option("--type", "repo_type", default="model", help="model, dataset, space or metric.")
@click.option("--private", is_flag=True, help="Let only the owner see a new repo.")
@click.option("-m", "--message", default="", help="First line of the commit message.")
@click.option("--branch", help="Commit to this branch, created when it does not exist.")
@click.option("--prune", is_flag=True, help="Also delete files that FOLDER does not have.")
@click.option("--no-lock", is_flag=True, help="Do not write a pylock.toml.")
@click.option("--relock", is_flag=True, help="Replace the pylock.toml that is there.")
@click.option("--python", help="Lock for this Python: a path, or a version such as 3.10.")
@click.option("--find-links", multiple=True, help="Folder or page with wheels to lock from too.")
@click.option("--dry-run", is_flag=True, help="Check and list, but send nothing.")
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@output.json_option
def publish(folder: Path, repo: str, dry_run: bool, repo_type: str, **options: Any) -> None:
    """Publish FOLDER as REPO (owner/name) in one commit; the repo is created if needed.

    The card (README.md) and the entry points (hubconf.py) are checked first. `.git`,
    `__pycache__` and whatever .gitignore names stay behind. A folder with entry points that need
    packages gets a lock, pylock.toml, unless it has one; without an index to ask it gets none.
    """
    from reprise.hub import publishing

    options["lock"] = _locking(options)
    if dry_run:
        _show_plan(publishing.plan(folder, repo, repo_type=repo_type))
        return
    with _bars():
        done = publishing.publish(folder, repo, repo_type=repo_type, **options)
    output.show(asdict(done), f"{done.url}\n{done.commit}")
    if done.unchanged:
        output.say("Nothing to do: the repo holds just these files already.")
    else:
        output.say(f"Published {done.files} files, {output.size_text(done.bytes)}.")


def _locking(options: dict[str, Any]) -> "Locking | None":
    """Take the options about the lock out of all options."""
    from reprise.hub.locking import Locking
    from reprise.isolate.requirements import Sources

    names = ("no_lock", "relock", "python", "find_links")
    skip, again, python, links = (options.pop(name) for name in names)
    if skip and again:
        raise click.UsageError("--no-lock and --relock contradict each other.")
    return None if skip else Locking(again=again, python=python, sources=Sources(find_links=links))


def _bars() -> AbstractContextManager[object]:
    """Let huggingface_hub draw its bars only where somebody is watching."""
    from huggingface_hub.utils.tqdm import disable_progress_bars

    # We say this in our own words.
    said = "No files have been modified"
    log = logging.getLogger("huggingface_hub.hf_api")
    log.addFilter(lambda record: not record.getMessage().startswith(said))
    watched = sys.stderr.isatty() and not output.is_quiet()
    return nullcontext() if watched else disable_progress_bars()


def _show_plan(plan: "Plan") -> None:
    for finding in plan.findings:
        (output.say if finding.severity == "error" else output.warn)(_line(finding))
    rows = [{"path": file.path, "size": file.size} for file in plan.collected.files]
    if output.wants_json():
        findings = [asdict(finding) for finding in plan.findings]
        output.show({"repo": str(plan.repo_id), "files": rows, "findings": findings})
    else:
        output.table(rows, ["path", "size"])
    if plan.needs_lock:
        output.say("A lock of the packages that the code needs, pylock.toml, would be added.")
    total = output.size_text(plan.collected.size)
    output.say(f"Would publish {len(rows)} files, {total}, to {plan.repo_id}. Nothing was sent.")
    if plan.errors:
        raise click.ClickException(f"{len(plan.errors)} things must be put right first.")


def _line(finding: Any) -> str:
    return f"{finding.severity}: {finding}" if finding.severity == "error" else str(finding)
