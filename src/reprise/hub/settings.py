"""Where the client keeps things and which hub it talks to.

Floors below the command line do not read the environment, with this one exception: a library
that is called from a notebook has no command line above it. Everything the client takes from
the environment is read here, at call time, and can be overridden by an argument.

| variable | meaning |
|---|---|
| `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_HOME`, `HF_TOKEN`, … | as in huggingface_hub |
| `REPRISE_GITHUB` | base URL of the GitHub in use, by default `https://github.com` |
| `GITHUB_TOKEN` | an access token for that GitHub, and for nobody else |
| `TORCH_HOME`, `XDG_CACHE_HOME` | where snapshots live, with torch.hub's precedence |
| `REPRISE_TRUST_FILE`, `XDG_CONFIG_HOME` | where consent to run code is remembered |
"""

import os
from pathlib import Path

_GITHUB = "https://github.com"
# Connections, certificates, tracing, and where settings of the machine and the user lie.
_GIT_KEPT = (
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_CURL", "GIT_EXEC_PATH",
    "GIT_HTTP", "GIT_PROXY", "GIT_SSH", "GIT_SSL", "GIT_TRACE",
)  # fmt: skip

# What `set_dir` chose. One value for the process, because torch.hub's contract says so.
_chosen: list[Path] = []


def get_dir() -> str:
    """Return the folder that holds the snapshots.

    The first of: what `set_dir` was given, `$TORCH_HOME/hub`, `$XDG_CACHE_HOME/torch/hub`,
    `~/.cache/torch/hub`. It is torch.hub's folder: both caches live side by side in it.
    """
    return str(cache_dir())


def set_dir(folder: str | os.PathLike[str]) -> None:
    """Keep snapshots in this folder until the process ends; `~` means the home folder."""
    _chosen[:] = [Path(folder).expanduser().absolute()]


def cache_dir() -> Path:
    """As `get_dir`, as a path."""
    if _chosen:
        return _chosen[0]
    home = _variable("TORCH_HOME")
    return (home or _cache_home() / "torch") / "hub"


def trust_file() -> Path:
    """Return the file that remembers whose code may run.

    `$REPRISE_TRUST_FILE`, else `reprise/trust.json` below `$XDG_CONFIG_HOME` or `~/.config`. It
    is not in the cache: people share caches, nobody should share consent without knowing.
    """
    chosen = _variable("REPRISE_TRUST_FILE")
    config = _variable("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    return chosen or config / "reprise" / "trust.json"


def endpoint() -> str:
    """Return the base URL of the hub in use, `HF_ENDPOINT`, without a trailing slash."""
    from huggingface_hub import constants

    return constants.ENDPOINT.rstrip("/")


def is_offline() -> bool:
    """Tell whether `HF_HUB_OFFLINE` forbids every connection."""
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def plain_token() -> str | None:
    """Return the access token for the hub in use as it lies there; empty when there is none.

    None means that huggingface_hub has to be asked: it would exchange another credential for one,
    or was told not to send any unasked.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN or os.environ.get("HF_OIDC_RESOURCE"):
        return None
    text = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    try:
        text = text or Path(constants.HF_TOKEN_PATH).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    return text.replace("\r", "").replace("\n", "").strip()


def shared_cache_dir() -> Path:
    """Return the folder where huggingface_hub keeps what all of its users download."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def github() -> str:
    """Return the base URL of the GitHub in use: `REPRISE_GITHUB`, without a trailing slash."""
    return (os.environ.get("REPRISE_GITHUB") or _GITHUB).rstrip("/")


def github_token() -> str | None:
    """Return `GITHUB_TOKEN`: for private repos, and 5000 requests an hour instead of 60.

    It belongs to the GitHub in use, see `github`.
    """
    return os.environ.get("GITHUB_TOKEN") or None


def environment_for_git() -> dict[str, str]:
    """Return the environment of a git that must not take this process's own repo for its own.

    Kept is what says how to reach servers and where the user's settings are.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_GIT_KEPT)
    }


def _cache_home() -> Path:
    return _variable("XDG_CACHE_HOME") or Path("~/.cache").expanduser()


def _variable(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser().absolute() if value else None
