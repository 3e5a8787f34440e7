"""`import reprise` and the first commands stay light: guarded by what they import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"huggingface_hub", "httpx2", "httpx", "rich", "yaml", "sqlalchemy", "starlette", "torch",
         "numpy", "dulwich", "filelock"}  # fmt: skip
SECONDS = 100  # only so that nothing hangs: what is imported is judged, not how fast


def modules(code: str, folder: Path) -> set[str]:
    """Top-level modules that are loaded after some code ran, beyond the interpreter's own."""
    script = (
        "import json, sys\nbefore = set(sys.modules)\n"
        f"{code}\n"
        "names = {n.partition('.')[0] for n in set(sys.modules) - before}\n"
        "print(json.dumps(sorted(names)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True,
        check=True, timeout=SECONDS,
    )  # fmt: skip
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_importing_reprise_needs_only_the_standard_library(tmp_path: Path) -> None:
    found = modules("import reprise; reprise.__version__; dir(reprise)", tmp_path)
    assert found - sys.stdlib_module_names == {"reprise"}


def test_every_public_name_can_be_imported(tmp_path: Path) -> None:
    modules("import reprise\nfor name in reprise.__all__: getattr(reprise, name)", tmp_path)


@pytest.mark.parametrize(
    "argv",
    [["--help"], ["--version"], ["list", "./net"], ["help", "./net", "small", "--json"],
     ["load", "./net", "small"], ["list", "--help"], ["publish", "--help"], ["cache", "du"]],
    ids=" ".join,
)  # fmt: skip
def test_work_on_this_machine_imports_no_network_and_no_framework(
    tmp_path: Path, argv: list[str]
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "hubconf.py").write_text("def small(n=1):\n    'Make it.'\n    return n\n")
    code = f"from reprise.cli.main import run\nassert run({argv!r}) == 0"
    # Its settings are all that is read of huggingface_hub.
    assert modules(code, tmp_path) & HEAVY <= {"huggingface_hub"}
