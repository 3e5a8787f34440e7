"""Where the demo works: a temporary folder that holds every file it and its clients write."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import reprise
from reprise.base.errors import NotFound

EXAMPLES = ("banking-intents", "banking77")
# Settings of clients that must not leak from the caller's shell into the demo.
_CLIENT_PREFIXES = ("HF_", "HUGGING_FACE_", "HUGGINGFACE_", "REPRISE_", "TORCH_", "GIT_")


def find_examples() -> Path:
    """Return the checkout's `examples` folder.

    Raises:
        NotFound: The package was installed without its checkout.
    """
    folder = Path(reprise.__file__).resolve().parents[2] / "examples"
    missing = [name for name in EXAMPLES if not (folder / name / "README.md").is_file()]
    if missing:
        raise NotFound(
            f"The demo needs the example {missing[0]!r}, which is not in {folder}.",
            hint="Run it from a checkout of the project: git clone, then make demo.",
        )
    return folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder, and remove it with all that is in it at the end, whatever happened."""
    root = Path(tempfile.mkdtemp(prefix="reprise-demo-")).resolve()
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def client_environment(root: Path, *, endpoint: str, token: str = "") -> dict[str, str]:
    """Return the environment of a client that knows this hub and writes below `root` only."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_CLIENT_PREFIXES)}
    own = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": root / "hf",
        "TORCH_HOME": root / "torch",
        "XDG_CACHE_HOME": root / "cache",
        "XDG_CONFIG_HOME": root / "config",
        "REPRISE_TRUST_FILE": root / "trust.json",
        "GIT_CONFIG_GLOBAL": root / "gitconfig",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        # The commands of this installation come first: `hf` next to this Python.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    if token:
        own["HF_TOKEN"] = token
    return kept | {name: str(value) for name, value in own.items()}
