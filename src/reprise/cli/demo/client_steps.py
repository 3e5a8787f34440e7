"""The demo's last part: other people's programs, unmodified, against the same hub."""

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx2

from reprise.cli.demo.steps import Check, Outcome
from reprise.cli.demo.tour import DATASET, MODEL, Tour, digests, row_count

# What unmodified `datasets` is asked, in a process of its own.
_DATASETS_SCRIPT = """\
import json, datasets
datasets.disable_progress_bars()
data = datasets.load_dataset({repo_id!r})
print(json.dumps({{
    "splits": {{name: len(data[name]) for name in data}},
    "columns": data["test"].column_names,
    "first": data["test"][0],
}}))
"""


def open_page(tour: Tour) -> Outcome:
    """Fetch the model's page as a browser does."""
    tour.report.command(f"$ curl {tour.url}/{MODEL}")
    answer = httpx2.get(f"{tour.url}/{MODEL}", headers={"Accept": "text/html"}, trust_env=False)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    return Outcome(
        (
            Check("there is a page", (200, "text/html"), (answer.status_code, kind)),
            Check("it shows the card", True, "Model Description" in answer.text),
            Check(f"it shows the claim, {tour.claim}", True, str(tour.claim) in answer.text),
        )
    )


def clone_with_git(tour: Tour) -> Outcome:
    """Clone the model's repo with git, and with git-lfs where it is installed."""
    if shutil.which("git") is None:
        return Outcome(skipped="git is not installed")
    has_lfs = shutil.which("git-lfs") is not None
    if has_lfs:
        tour.run("git", "lfs", "install", "--skip-repo", cwd=tour.root)
    clone = tour.root / "clone"
    tour.run("git", "clone", "--quiet", f"{tour.url}/{MODEL}", clone, cwd=tour.root)
    commit = tour.run("git", "rev-parse", "HEAD", cwd=clone).strip()
    tour.run("git", "fsck", "--strict", cwd=clone)
    expected = digests(tour.examples / "banking-intents")
    found = digests(clone)
    if not has_lfs:
        tour.report.say("git-lfs is not installed: large files stay pointers to their content")
        found = {path: _pointed_to(clone / path) or digest for path, digest in found.items()}
    return Outcome(
        (
            Check("the commit is the hub's", tour.api.model_info(MODEL).sha, commit),
            Check(f"{len(expected)} files have the same SHA-256", expected, found),
        )
    )


def _pointed_to(path: Path) -> str | None:
    """Return the SHA-256 in a pointer file, None for any other file."""
    from reprise.formats.lfs_pointer import parse

    pointer = parse(path.read_bytes())
    return pointer.sha256 if pointer else None


def download_with_hf(tour: Tour) -> Outcome:
    """Download the model with the `hf` command of huggingface_hub."""
    if shutil.which("hf", path=tour.env["PATH"]) is None:
        return Outcome(skipped="the hf command is not installed")
    folder = tour.root / "hf-download"
    tour.run("hf", "download", MODEL, "--local-dir", folder)
    expected = digests(tour.examples / "banking-intents")
    return Outcome(
        (Check(f"{len(expected)} files have the same SHA-256", expected, digests(folder)),)
    )


def load_with_datasets(tour: Tour) -> Outcome:
    """Load the data set with the `datasets` library."""
    if find_spec("datasets") is None:
        return Outcome(skipped="datasets is not installed (pip install datasets)")
    tour.report.command(f'>>> datasets.load_dataset("{DATASET}")')
    script = tour.root / "load_dataset.py"
    script.write_text(_DATASETS_SCRIPT.format(repo_id=DATASET), encoding="utf-8")
    loaded = json.loads(tour.run(sys.executable, script, cwd=tour.root))
    tour.report.say(json.dumps(loaded["first"]))
    folder = tour.examples / "banking77"
    expected = {name: row_count(folder / f"{name}.csv") for name in ("train", "test")}
    return Outcome(
        (
            Check("the splits are whole", expected, loaded["splits"]),
            Check("the columns are the file's", ["text", "category"], loaded["columns"]),
            Check("the first row is the file's", tour.test_rows[0], loaded["first"]),
        )
    )
