"""Run the example of a card, in an environment that also has what only the example imports."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reprise.base.errors import RepriseError
from reprise.formats.code_blocks import Block, python_blocks
from reprise.hub import settings
from reprise.hub.address import Address, LocalFolder
from reprise.hub.manifest.distributions import distribution_of, is_standard, normal
from reprise.hub.trials.records import Trial, not_run
from reprise.hub.trials.setting import Setting, ask_object, in_one_line
from reprise.isolate import environments
from reprise.isolate.launch import Launch

_NAME = "example-runs"
_OURS = frozenset({"reprise", "hubconf"})
_NO_NETWORK = ("URLError", "ConnectionError", "gaierror", "PermissionError", "MaxRetryError")


def try_example(setting: Setting, packages: dict[str, str]) -> Trial:
    """Run the blocks of Python in the card, one after the other.

    Args:
        setting: Where.
        packages: What the environment of the repo holds.
    """
    blocks = [it for it in _blocks(setting) if not it.skipped]
    marked = len(_blocks(setting)) - len(blocks)
    tail = f"; {marked} more are marked `no-check`" if marked else ""
    if not blocks:
        return not_run(_NAME, f"the card has no blocks of Python{tail}")
    try:
        launch = _launch(setting, blocks, packages)
        with setting.worker(launch) as worker:
            told = ask_object(
                worker,
                "example",
                folder=str(setting.folder),
                blocks=[{"code": it.code, "line": it.line} for it in blocks],
                names=_names(setting),
            )
    except RepriseError as error:
        return Trial(_NAME, "failed", in_one_line(error))
    if "failed" not in told:
        count = "1 block" if told.get("ran") == 1 else f"{told.get('ran')} blocks"
        return Trial(_NAME, "passed", f"{count} ran as written{tail}")
    error_text = str(told.get("error", ""))
    hint = ""
    if any(word in error_text for word in _NO_NETWORK):
        hint = " (nothing is let out to the network: put files that it needs into the repo)"
    return Trial(_NAME, "failed", f"README.md:{told['failed']}: {error_text}{hint}"[:2000])


def _blocks(setting: Setting) -> list[Block]:
    above = setting.readme[: len(setting.readme) - len(setting.card.body)].count("\n")
    return [replace(it, line=it.line + above) for it in python_blocks(setting.card.body)]


def _names(setting: Setting) -> list[str]:
    """Return how an example may name this repo: here, and where its card says the code is."""
    address, found = setting.snapshot.address, set[str]()
    if isinstance(address, Address):
        found.add(str(address.repo_id).lower())
    code = setting.card.data.get("code")
    if isinstance(code, str) and "github.com/" in code:
        found.add("/".join(code.partition("github.com/")[2].split("/")[:2]).lower())
    if isinstance(address, LocalFolder):  # nobody knows yet whose it will be
        found.add(address.path.resolve().name.lower())
    return sorted(found)


def _launch(setting: Setting, blocks: list[Block], packages: dict[str, str]) -> Launch:
    """Add to the environment what the example imports and the code does not."""
    launch = replace(setting.launch, env=(*setting.launch.env, ("MPLBACKEND", "Agg")))
    isolation, there = setting.how.isolation, {normal(name) for name in packages}
    more = sorted(set(_imported(setting, blocks)) - there)
    if not more or isolation.environment is not None:
        return launch
    made = environments.ensure(
        [*(f"{name}=={version}" for name, version in sorted(packages.items())), *more],
        isolation.root or settings.cache_dir() / "environments",
        python=isolation.python,
        sources=isolation.sources,
        progress=isolation.progress,
    )
    return replace(launch, python=made.python, base=made.base)


def _imported(setting: Setting, blocks: list[Block]) -> Iterator[str]:
    """Yield the distributions that blocks import, by what is known of import names."""
    own = {path.stem for path in setting.snapshot.folder.iterdir()} | _OURS
    for block in blocks:
        code = "\n".join(_statement(line) for line in block.code.splitlines())
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # running it says what is wrong
        for name in (name for node in ast.walk(tree) for name in _modules(node)):
            if name not in own and not is_standard(name):
                yield normal(distribution_of(name, {}))


def _statement(line: str) -> str:
    bare = line.strip()
    if bare.startswith((">>> import ", ">>> from ")):
        return bare[4:]
    if bare.startswith((">>>", "...", "!", "%")):
        return ""
    return line


def _modules(node: Any) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []
