"""The `reprise` command: a table of names, each imported only when it is called."""

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import click

from reprise.base.errors import MissingExtra, RepriseError
from reprise.cli import output

_EXIT_FAILED = 1
_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells expect


@dataclass(frozen=True)
class Entry:
    """A command before it is imported."""

    target: str  # "module:attribute" below reprise.cli
    summary: str
    section: str


_USE = "Use models"
_SHARE = "Publish"
_HUB = "Run a hub"

# Name -> where the command lives. `reprise --help` reads only this table.
COMMANDS = {
    "run": Entry("run:run", "Run a model on text, images or sound.", _USE),
    "quantize": Entry("quantize:quantize", "Write a model in 8 or 4 bits a weight.", _USE),
    "list": Entry("entrypoints:list_command", "List the entry points of a repo.", _USE),
    "help": Entry("entrypoints:help_command", "Show how to call an entry point.", _USE),
    "load": Entry("entrypoints:load_command", "Load an entry point and say what it is.", _USE),
    "export-entry": Entry("exporting:export_entry", "Write a model as a graph.", _USE),
    "check-export": Entry("exporting:check_export", "Compare a graph with its model.", _USE),
    "search": Entry("search:search", "Search the hub.", _USE),
    "metric": Entry("metric:metric", "List, show and compute metrics.", _USE),
    "eval": Entry("evaluate:evaluate", "Evaluate a model on a benchmark.", _USE),
    "verify": Entry("verify:verify", "Compute what a repo claims again.", _USE),
    "claim": Entry("verify:claim_command", "Compute a score and claim it.", _SHARE),
    "key": Entry("key:key", "Manage the keys that sign verdicts.", _SHARE),
    "verdict": Entry("verdict:verdict", "Look at verdicts on a claim, and answer.", _SHARE),
    "log": Entry("log:log", "Check a hub's log of verdicts.", _USE),
    "lock": Entry("lock:lock", "Pin models, data, metrics and packages.", _USE),
    "data": Entry("data:data", "Look at data sets and what their steps keep.", _USE),
    "download": Entry("download:download", "Download a repo or some of its files.", _USE),
    "cache": Entry("cache:cache", "Look at and clean the local cache.", _USE),
    "torch-hub": Entry("torch_hub:torch_hub", "Let torch.hub load from a hub.", _USE),
    "publish": Entry("publish:publish", "Publish a folder as a repo.", _SHARE),
    "check": Entry("check:check", "Check a repo by running it.", _SHARE),
    "submit": Entry("catalogue:submit", "Propose a repo for the catalogue.", _SHARE),
    "submission": Entry("catalogue:submission", "Show where a submission stands.", _SHARE),
    "submissions": Entry("catalogue:submissions", "List submissions.", _SHARE),
    "review": Entry("catalogue:review", "Decide on a submission.", _SHARE),
    "vote": Entry("catalogue:vote", "Vote for a repo.", _USE),
    "report": Entry("catalogue:report", "Tell an owner what does not work.", _USE),
    "reports": Entry("catalogue:reports", "Read what people reported.", _SHARE),
    "import-card": Entry("catalogue:import_card", "Convert a card of PyTorch Hub.", _SHARE),
    "login": Entry("account:login", "Store an access token.", _SHARE),
    "logout": Entry("account:logout", "Forget the stored access token.", _SHARE),
    "whoami": Entry("account:whoami", "Show who the hub thinks you are.", _SHARE),
    "demo": Entry("demo:demo", "Start a hub with examples in it.", _HUB),
    "serve": Entry("serve:serve", "Start a hub.", _HUB),
    "worker": Entry("worker:worker", "Run models for a hub.", _HUB),
    "user": Entry("users:user", "Create and list users.", _HUB),
    "org": Entry("orgs:org", "Create organisations and manage their members.", _HUB),
    "token": Entry("tokens:token", "Create, list and revoke access tokens.", _HUB),
    "repo": Entry("repos:repo", "Create, list, move and delete repos.", _HUB),
    "reviewer": Entry("reviewers:reviewer", "Name who decides on submissions.", _HUB),
    "recheck": Entry("reviewers:recheck", "Check published repos again.", _HUB),
    "defaults": Entry("defaults:defaults", "Choose the models of tasks.", _HUB),
    "leaderboard": Entry("leaderboard:leaderboard", "Keep leaderboards of others.", _HUB),
    "reverify": Entry("reverify:reverify", "Say what is to be verified again.", _HUB),
    "mirror": Entry("mirror:mirror", "Keep weights of other sites on a hub.", _HUB),
    "fsck": Entry("fsck:fsck", "Check everything a hub stores.", _HUB),
    "reindex": Entry("reindex:reindex", "Read entry points and cards of repos again.", _HUB),
    "gc": Entry("gc:gc", "Delete what nothing leads to.", _HUB),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and prints help without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        entry = COMMANDS.get(name)
        return load_command(entry) if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command to run, or suggest one that is spelled alike."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Print the table, section by section."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            rows = [(name, e.summary) for name, e in COMMANDS.items() if e.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


def load_command(entry: Entry) -> click.Command:
    """Import the command behind an entry of the table.

    Raises:
        MissingExtra: A package that it needs is not installed.
    """
    module, _, attribute = entry.target.partition(":")
    try:
        command = getattr(import_module(f"reprise.cli.{module}"), attribute)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("reprise"):
            raise
        raise MissingExtra(
            f"This command needs {error.name!r}, which is not installed.",
            hint="Install it with: pip install 'reprise[server]'",
        ) from error
    assert isinstance(command, click.Command)
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="reprise", message="%(prog)s %(version)s")
@click.option("-q", "--quiet", is_flag=True, help="Print only data and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print what happens in detail.")
def root(quiet: bool, verbose: bool) -> None:
    """Publish, find, load, run and reproduce machine-learning models."""
    output.set_quiet(quiet)
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    output.log_to_stderr(level)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 usage."""
    sys.exit(run(list(argv) if argv is not None else sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        code = root.main(argv, prog_name="reprise", standalone_mode=False)
        sys.stdout.flush()  # a closed pipe must be noticed here, not while Python shuts down
    except BrokenPipeError:
        return _close_stdout()
    except (click.ClickException, click.Abort, RepriseError, OSError, KeyboardInterrupt) as error:
        return _report(error, as_json="--json" in argv)
    return code if isinstance(code, int) else 0


def _report(error: BaseException, *, as_json: bool) -> int:
    """Print an error and return the exit code it deserves."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            print(error.format_message(), file=sys.stderr)
            return _EXIT_USAGE
        case click.UsageError():
            output.print_error(error.format_message(), hint=_usage_hint(error), as_json=as_json)
            return _EXIT_USAGE
        case click.ClickException():
            output.print_error(error.format_message(), as_json=as_json)
            return _EXIT_FAILED
        case RepriseError():
            name = type(error).__name__
            output.print_error(error.message, hint=error.hint, code=name, as_json=as_json)
            return _EXIT_FAILED
        case OSError():  # the disk is full, a folder may not be written to, …
            output.print_error(str(error), as_json=as_json)
            return _EXIT_FAILED
    output.print_error("interrupted", as_json=as_json)
    return _EXIT_INTERRUPTED


def _usage_hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "reprise"
    return f"{path} --help shows what it takes."


def _close_stdout() -> int:
    """Leave quietly when the reader of a pipe went away (`reprise list … | head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _EXIT_FAILED  # as click does when the reader left even earlier


if __name__ == "__main__":
    main()
