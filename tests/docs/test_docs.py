"""Every example in the documentation runs, page by page, against a live hub.

A page is one shell script: `console` blocks give the lines behind `$`, `python` blocks are fed to
the interpreter, in order, in one empty folder. Output shown in a `console` block must be part of
what the page prints. Blocks in any other language are not examples.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.factories import Hub

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")]
)
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands that start a whole checkout or CI; `.ci/run` and tests/clients run them for real.
ELSEWHERE = ("make ", "git clone https://", "cd reprise", "pip install ")
SECONDS = 100


@dataclass(frozen=True)
class Example:
    """One block of a page."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        lines = self.text.replace("\\\n", " ").splitlines()
        found = [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in found if not line.startswith(ELSEWHERE)]

    @property
    def shown(self) -> list[str]:
        if any(line.startswith(tuple(f"$ {c}" for c in ELSEWHERE)) for line in self.lines):
            return []
        return [line for line in self.lines if line.strip() and not line.startswith(("$ ", "  "))]

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def examples(page: Path) -> list[Example]:
    blocks = BLOCK.findall((ROOT / page).read_text())
    return [Example(*block) for block in blocks if block[0] in {"console", "python"}]


def script(found: list[Example]) -> str:
    lines = ["set -euo pipefail"]
    for number, example in enumerate(found):
        if example.language == "console":
            lines += example.commands
        else:
            lines += [f"python - <<'END_{number}'", example.text.rstrip(), f"END_{number}"]
    return "\n".join(lines) + "\n"


def run_page(text: str, folder: Path, hub: Hub) -> tuple[int, str]:
    env = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": hub.token,
        "HF_HOME": str(folder / "home" / "hf"),
        "TORCH_HOME": str(folder / "home" / "torch"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONWARNINGS": "default",
    }
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", text], cwd=folder, env=env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            code = process.wait(SECONDS)
        finally:
            # A page may leave a server running in the background: it ends with the page.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return code, log.read_text()


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=str)
def test_the_examples_of_a_page_run(page: Path, hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    shutil.copytree(ROOT / "examples", folder / "examples")
    found = examples(page)
    code, output = run_page(script(found), folder, hub)
    assert code == 0, output
    missing = [line for example in found if example.language == "console"
               for line in example.shown if line.strip() not in output]  # fmt: skip
    assert missing == [], output


def test_every_link_inside_the_project_leads_somewhere() -> None:
    dead = [
        f"{page}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", (ROOT / page).read_text())
        if not (ROOT / page.parent / target).exists()
    ]
    assert dead == []
