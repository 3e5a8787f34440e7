"""`reprise serve`: run a hub."""

from pathlib import Path

import click

from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.server.serving import log_to_stderr
from reprise.server.serving import serve as run_server


@click.command()
@data_option
@click.option("--port", default=8400, show_default=True, help="Port; 0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much to log; the log goes to stderr, one JSON object a line.",
)
def serve(data: Path, database_url: str | None, port: int, host: str, log_level: str) -> None:
    """Start a hub on one folder. The first line on stdout is its address.

    Clients reach it by HF_ENDPOINT, for example:

        HF_ENDPOINT=http://127.0.0.1:8400 hf download owner/name
    """
    log_to_stderr(log_level)
    with open_hub(data, database_url) as registry:
        run_server(registry, host=host, port=port, announce=_announce)


def _announce(url: str) -> None:
    click.echo(url)
    output.say(f"Serving. Stop with Ctrl-C. Clients: export HF_ENDPOINT={url}")
