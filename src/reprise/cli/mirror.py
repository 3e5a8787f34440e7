"""`reprise mirror`: files of other sites that a hub keeps for its clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import httpx2

from reprise.base.errors import HubUnreachable
from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import mirror as mirrored
from reprise.registry.registry import Registry

_TIMEOUT = 60  # seconds without a byte
_PIECE = 1 << 20


@click.group()
def mirror() -> None:
    """Keep weights of other sites on a hub. Runs on the server's machine.

    Clients that patch torch.hub get a mirrored URL from the hub, with the content that was there
    when it was added. The hub itself never fetches anything.
    """


@mirror.command()
@click.argument("url")
@click.option("--sha256", metavar="HEX", help="Refuse any other content.")
@click.option(
    "--file",
    "local_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the content from this file instead of the network.",
)
@click.option("--replace", is_flag=True, help="Let a mirrored URL mean new content.")
@data_option
@output.json_option
def add(
    url: str,
    sha256: str | None,
    local_path: Path | None,
    replace: bool,
    data: Path,
    database_url: str | None,
) -> None:
    """Download URL, or take it from a file, and serve it from now on."""
    mirrored.check_url(url)
    with open_hub(data, database_url) as registry:
        kept = _keep(registry, url, local_path, sha256=sha256, replace=replace)
    output.show(asdict(kept), f"{kept.sha256}\t{kept.size}\t{kept.url}")


@mirror.command("list")
@data_option
@output.json_option
def list_urls(data: Path, database_url: str | None) -> None:
    """List the mirrored URLs."""
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        rows = [asdict(item) for item in mirrored.list_all(conn)]
    empty = "Nothing is mirrored. Begin with: reprise mirror add URL --data DIR"
    output.table(rows, ["sha256", "size", "url"], empty=empty)


@mirror.command()
@click.argument("url")
@data_option
@output.json_option
def remove(url: str, data: Path, database_url: str | None) -> None:
    """Stop serving URL."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        mirrored.remove(conn, url)
    output.show({"removed": url}, f"Removed {url}.")


def _keep(
    registry: Registry, url: str, local_path: Path | None, *, sha256: str | None, replace: bool
) -> mirrored.Mirrored:
    opened = _file(local_path) if local_path is not None else _download(url)
    with output.status(f"Fetching {url} …"), opened as pieces:
        return mirrored.add(registry, url, pieces, sha256=sha256, replace=replace)


@contextmanager
def _file(local_path: Path) -> Iterator[Iterator[bytes]]:
    with local_path.open("rb") as file:
        yield iter(lambda: file.read(_PIECE), b"")


@contextmanager
def _download(url: str) -> Iterator[Iterator[bytes]]:
    try:
        with (
            httpx2.Client(follow_redirects=True, timeout=_TIMEOUT) as client,
            # As sent: what is kept must be the bytes that a client without compression gets.
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            answer.raise_for_status()
            yield answer.iter_raw(_PIECE)
    except httpx2.HTTPError as error:
        raise HubUnreachable(f"Cannot fetch {url}: {error}") from error
