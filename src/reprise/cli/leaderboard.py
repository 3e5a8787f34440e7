"""`reprise leaderboard`: leaderboards of others, kept on a hub as history."""

import gzip
import zlib
from dataclasses import asdict
from pathlib import Path

import click

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.formats import sota
from reprise.registry import past_results

_GZIP = b"\x1f\x8b"
_MAX_FILE = 512 << 20  # bytes; the last dump of Papers with Code has a quarter of that


@click.group()
def leaderboard() -> None:
    """Keep leaderboards of others as history. Runs on the server's machine.

    What is imported is shown in grey as "historical, unverified": it ranks nobody.
    """


@leaderboard.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", metavar="NAME", help="What to call the import.  [default: the file]")
@data_option
@output.json_option
def import_file(file: Path, source: str | None, data: Path, database_url: str | None) -> None:
    """Import FILE, as sota-extractor and Papers with Code wrote them (JSON, or packed with gzip).

    Importing under the same name again replaces what was there.
    """
    found = sota.read(_text(file))
    name = source or file.name
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        kept = past_results.take_in(conn, name, found, now=registry.clock())
        boards = len({past_results.board_of(it) for it in found})
    output.show(
        {"source": name, "results": kept, "leaderboards": boards},
        f"{kept} results on {boards} leaderboards, as history.",
    )


@leaderboard.command()
@data_option
@output.json_option
def imports(data: Path, database_url: str | None) -> None:
    """List what was imported."""
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        rows = [asdict(it) for it in past_results.imports(conn)]
    output.table(rows, ["source", "rows"], empty="Nothing was imported.")


@leaderboard.command()
@click.argument("source")
@data_option
@output.json_option
def remove(source: str, data: Path, database_url: str | None) -> None:
    """Forget what was imported as SOURCE."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        gone = past_results.remove(conn, source)
    output.show({"source": source, "removed": gone}, f"Removed {gone} results.")


def _text(file: Path) -> str:
    """Read a file, packed with gzip or not; dumps come packed."""
    with file.open("rb") as opened:
        is_packed = opened.read(2) == _GZIP
        opened.seek(0)
        source = gzip.GzipFile(fileobj=opened) if is_packed else opened
        try:
            data = source.read(_MAX_FILE + 1)
            if len(data) > _MAX_FILE:
                raise TooLarge(f"{file} holds more than {_MAX_FILE} bytes; split it.")
            return data.decode()
        except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile):
            raise InvalidFormat(f"{file} is no UTF-8 text, packed with gzip or not.") from None
