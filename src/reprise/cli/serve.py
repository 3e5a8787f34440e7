"""`reprise serve`: run a hub."""

import os
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click

from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.server.inference.settings import Settings
from reprise.server.serving import Inference, log_to_stderr
from reprise.server.serving import serve as run_server

_NEEDED = ("numpy", "onnxruntime", "tokenizers")  # by a worker: the extra `run`


@click.command()
@data_option
@click.option("--port", default=8400, show_default=True, help="Port; 0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--worker/--no-worker",
    default=True,
    help="Run models on this machine, in a process that the first request starts.  [default: on]",
)
@click.option(
    "--queue",
    type=click.IntRange(1, 10_000),
    default=Settings.queue,
    show_default=True,
    help="Requests to run a model that may wait; more are sent away.",
)
@click.option(
    "--run-for",
    type=click.Choice(["everyone", "members"]),
    default="everyone",
    show_default=True,
    help="Who may run models: everyone who may read them, or of those only who is signed in.",
)
@click.option(
    "--answer-within",
    type=click.FloatRange(1, 3600),
    default=Settings.deadline,
    show_default=True,
    metavar="SECONDS",
    help="How long a request to run a model waits for its answer to begin.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much to log; the log goes to stderr, one JSON object a line.",
)
def serve(
    data: Path,
    database_url: str | None,
    port: int,
    host: str,
    worker: bool,
    queue: int,
    run_for: str,
    answer_within: float,
    log_level: str,
) -> None:
    """Start a hub on one folder. The first line on stdout is its address.

    Clients reach it by HF_ENDPOINT, for example:

        HF_ENDPOINT=http://127.0.0.1:8400 hf download owner/name
    """
    log_to_stderr(log_level)
    able = worker and all(find_spec(name) for name in _NEEDED)
    everyone = run_for == "everyone"
    settings = Settings(queue=queue, deadline=answer_within, everyone=everyone)
    inference = Inference(settings, _worker_command if able else None)
    announce = partial(_announce, missing=worker and not able)
    with open_hub(data, database_url) as registry:
        run_server(registry, host=host, port=port, announce=announce, inference=inference)


def _worker_command(url: str) -> list[str]:
    ours = [sys.executable, "-m", "reprise.cli.companion", str(os.getpid())]
    return [*ours, "-q", "worker", "--hub", url, "--name", "local", "--grace", "3"]


def _announce(url: str, *, missing: bool) -> None:
    click.echo(url)
    output.say(f"Serving. Stop with Ctrl-C. Clients: export HF_ENDPOINT={url}")
    if missing:
        output.say("No worker here, so no models run: pip install 'reprise[run]' changes that.")
