"""Where trials run: a snapshot, an environment, workers that may touch nothing."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from reprise import __version__
from reprise.base.errors import InvalidFormat, IsolationFailed, RepriseError
from reprise.formats import card
from reprise.hub import settings
from reprise.hub.isolated import Isolation, make_launch
from reprise.hub.manifest import Manifest
from reprise.hub.snapshots import Snapshot
from reprise.hub.trials.addresses import MayAsk, public_only
from reprise.isolate.client import Worker
from reprise.isolate.launch import Launch

CARD = "README.md"
_MAX_CARD = 1 << 20  # bytes
_MAX_TOLD = 1 << 20  # characters of JSON that one trial may tell
_MAX_PACKAGES = 500


@dataclass(frozen=True)
class How:
    """How to run trials.

    Attributes:
        isolation: What workers are like; they are never trusted.
        seed: For every generator of random numbers.
        most: Entry points that are tried, in the order of their names.
        fetch: Bytes of weights that may be downloaded from addresses in the code; 0 for none.
        may_ask: Which hosts may be asked whether addresses answer.
    """

    isolation: Isolation = field(default_factory=Isolation)
    seed: int = 0
    most: int = 100
    fetch: int = 2 << 30
    may_ask: MayAsk = field(default_factory=public_only)


@dataclass(frozen=True)
class Setting:
    """All that a trial needs."""

    snapshot: Snapshot
    manifest: Manifest
    readme: str
    launch: Launch
    how: How

    @property
    def folder(self) -> Path:
        """Where `hubconf.py` is, as the worker sees it."""
        return self.snapshot.folder.resolve()

    @property
    def card(self) -> card.Card:
        """The card; one that cannot be read counts as text without metadata."""
        return read_card(self.readme)

    def worker(self, launch: Launch | None = None) -> Worker:
        """Return a new worker, which starts when it is first asked."""
        return Worker(launch or self.launch, name=str(self.snapshot.address), prefer_numpy=True)


def prepare(snapshot: Snapshot, manifest: Manifest, how: How) -> Setting:
    """Build the environment of a repo.

    Raises:
        RepriseError: See `reprise.hub.locking.environment`.
    """
    isolation = replace(how.isolation, trusted=False)
    launch = make_launch(snapshot, manifest, isolation)
    return Setting(snapshot, manifest, read_readme(snapshot.folder), launch, how)


def read_readme(folder: Path) -> str:
    """Return the card of a folder; empty when there is none."""
    try:
        with (folder / CARD).open("rb") as file:
            return file.read(_MAX_CARD).decode("utf-8", "replace")
    except OSError:
        return ""


def read_card(readme: str) -> card.Card:
    """Parse a card; one that cannot be read counts as text without metadata."""
    try:
        return card.parse(readme)
    except InvalidFormat:
        return card.Card({}, readme)


def ask(worker: Worker, name: str, **arguments: Any) -> Any:
    """Let a worker try something, and return what it tells as plain JSON values.

    Raises:
        RepriseError: It ended, took too long, or told something else. What it tells is the word of
            the code that ran.
    """
    told = worker.request("trial", {"name": name, "arguments": arguments})
    try:
        text = json.dumps(told, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise IsolationFailed("The code told nonsense about how it went.") from None
    if len(text) > _MAX_TOLD:
        raise IsolationFailed("The code told too much about how it went.")
    # A hub takes neither NUL nor half characters; messages of hostile code may hold them.
    whole = text.encode("utf-8", "replace").decode()
    return json.loads(whole.replace("\\u0000", "\\ufffd"))


def ask_object(worker: Worker, name: str, **arguments: Any) -> dict[str, Any]:
    """As `ask`, for answers that are objects."""
    told = ask(worker, name, **arguments)
    if not isinstance(told, dict):
        raise IsolationFailed("The code told nonsense about how it went.")
    return told


def environment_of(setting: Setting, worker: Worker) -> dict[str, Any]:
    """Describe what the trials run in; ask a worker that has not run code of the repo yet.

    Raises:
        RepriseError: It cannot be started.
    """
    hello = worker.start()
    found = ask_object(worker, "packages")
    packages = {str(name): str(version) for name, version in list(found.items())[:_MAX_PACKAGES]}
    return {
        "python": hello.python,
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "isolation": hello.level.name.lower(),
        "seed": setting.how.seed,
        "reprise": __version__,
        "packages": packages,
    }


@contextmanager
def torch_home(fetched: Mapping[str, Path]) -> Iterator[Path]:
    """Lay weights out where torch.hub looks for them: by the last part of their address.

    Args:
        fetched: Address -> verified file.
    """
    with tempfile.TemporaryDirectory(dir=_beside(), prefix="trial-") as name:
        folder = Path(name) / "hub" / "checkpoints"
        folder.mkdir(parents=True)
        for url, file in fetched.items():
            place = folder / unquote(urlsplit(url).path.rpartition("/")[2])
            if place.parent == folder and not place.exists():
                _link(file, place)
        yield Path(name)


def in_one_line(error: RepriseError) -> str:
    """Return an error as the reason of a trial: message and hint, without line breaks."""
    return " ".join(f"{error.message} {error.hint}".split())[:2000]


def _beside() -> Path:
    """Return a folder of the file system that checkpoints are on, so that links are possible."""
    folder = settings.cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _link(file: Path, place: Path) -> None:
    with suppress(OSError):
        os.link(file, place)
        return
    shutil.copyfile(file, place)
