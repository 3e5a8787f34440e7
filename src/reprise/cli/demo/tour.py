"""What the demo's steps share: the hub, the commands they run, the model they load."""

import csv
import hashlib
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.base.errors import RepriseError
from reprise.cli.demo.hub_process import HubProcess
from reprise.cli.demo.report import Report
from reprise.cli.demo.workspace import client_environment

if TYPE_CHECKING:
    from huggingface_hub import HfApi

OWNER = "demo"
MODEL = f"{OWNER}/banking-intents"
DATASET = f"{OWNER}/banking77"
ENTRY = "intent_classifier"
_COMMAND_SECONDS = 300


@dataclass
class Tour:
    """The state of one demo; steps fill it as they go."""

    examples: Path
    root: Path  # every file of the demo's clients is below it
    data: Path  # the hub's own folder
    port: int
    report: Report
    stack: ExitStack  # closes what steps opened
    hub: HubProcess | None = None
    token: str = ""
    _environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Address of the hub."""
        return self.hub.url if self.hub else ""

    @property
    def env(self) -> dict[str, str]:
        """The environment of a client of this hub."""
        return client_environment(self.root, endpoint=self.url, token=self.token)

    def run(self, *command: str | Path, cwd: Path | None = None, **env: str) -> str:
        """Show a command, run it as a client, and return what it printed on stdout.

        Raises:
            RepriseError: It failed; the message holds what it printed.
        """
        words = [str(word) for word in command]
        self.report.command(f"$ {' '.join(words)}")
        done = subprocess.run(  # noqa: S603 - words that steps wrote, no shell
            words,
            cwd=cwd or self.examples.parent,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            printed = f"{done.stdout}\n{done.stderr}".strip()
            raise RepriseError(f"{words[0]} ended with exit code {done.returncode}:\n{printed}")
        return done.stdout

    @cached_property
    def api(self) -> "HfApi":
        """The unmodified Hub client."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.url, token=self.token)

    @cached_property
    def model(self) -> Any:
        """The classifier, loaded from the hub."""
        import reprise

        return reprise.load(MODEL, ENTRY, trust_repo=True)

    @cached_property
    def claim(self) -> float:
        """The accuracy on the data set's test split, as the card on the hub claims it."""
        card = self.api.model_info(MODEL).card_data
        results = (card.eval_results if card else None) or []
        (claimed,) = [r.metric_value for r in results if r.dataset_type == DATASET]
        return float(claimed)

    @cached_property
    def test_rows(self) -> list[dict[str, str]]:
        """The test split, from the data set on the hub: rows with `text` and `category`."""
        import reprise

        path = reprise.download(DATASET, "test.csv", repo_type="dataset")
        return _rows(path)


def row_count(path: Path) -> int:
    """Count the examples of a csv file; texts may hold line ends."""
    return len(_rows(path))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder that belongs to a repo's content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    kept = (path for path in files if not _is_by_the_way(path.relative_to(folder)))
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(kept)
    }


def _is_by_the_way(path: Path) -> bool:
    """Tell whether a path is a tool's: bytecode, `.git`, `.cache`, `.gitattributes`."""
    return any(part == "__pycache__" or part.startswith(".") for part in path.parts)
