"""Run the example of a card, as somebody would who typed it in."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import re
import sys
import time
from types import ModuleType
from typing import Any

from . import repo
from .trial import described

_SHELL = re.compile(r"^([ \t]*)[!%].*$", re.MULTILINE)  # notebooks' own commands
_FILE = "README.md"
# What `load` of torch.hub and Reprise keep for themselves.
_OWN = frozenset(
    "source trust_repo force_reload verbose skip_validation offline endpoint token isolated "
    "isolation options classic".split()
)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
_MAX_REPORT = 600  # characters


class OtherRepo(RuntimeError):
    """An example loads something else than the repo that is checked."""


def try_example(folder: str, blocks: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Run blocks of Python one after the other, in one namespace.

    Blocks with `>>>` are compared with the output they show. `torch.hub.load` and `reprise.load`
    of this repo's names lead to `folder`.

    Args:
        folder: Root of the repo's files.
        blocks: Each with its `code` and the `line` of the card before it.
        names: How an example may name this repo, in lower case: `owner/name`, or `name` alone
            for that of any owner.

    Returns:
        `ran` (blocks) and `seconds`, or `failed`: the line, with `error`.
    """
    if any("torch" in block["code"] for block in blocks):
        with contextlib.suppress(Exception):  # the example itself says what is wrong with it
            importlib.import_module("torch")  # now, so that `install` finds its hub
    install(folder, names)
    space: dict[str, Any] = {"__name__": "__main__", "__file__": _FILE}
    begin = time.perf_counter()
    for block in blocks:
        failure = _run(block["code"], block["line"], space, folder)
        if failure is not None:
            return failure
    return {"ran": len(blocks), "seconds": round(time.perf_counter() - begin, 3)}


def install(folder: str, names: list[str]) -> None:
    """Let `reprise` and `torch.hub` lead to one folder."""
    short = _Short(folder, names)
    module, hub = ModuleType("reprise"), ModuleType("reprise.hub")
    for target in (module, hub):
        target.load, target.list, target.help = short.load, short.list, short.help  # type: ignore[attr-defined]
    module.hub, module.__path__ = hub, []  # type: ignore[attr-defined]
    sys.modules.update({"reprise": module, "reprise.hub": hub})
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "hub"):
        torch.hub.load, torch.hub.list, torch.hub.help = short.load, short.list, short.help


class _Short:
    """`load`, `list` and `help` for one repo, which is here already."""

    def __init__(self, folder: str, names: list[str]) -> None:
        self._folder = folder
        self._names = frozenset(names)

    def load(self, repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> Any:
        """Call an entry point."""
        self._check(repo_or_dir)
        given = {name: value for name, value in kwargs.items() if name not in _OWN}
        return repo.entry_point(self._folder, model)(*args, **given)

    def list(self, github: str, *_: Any, **__: Any) -> Any:
        """Name the entry points."""
        self._check(github)
        return [item["name"] for item in repo.entry_points(self._folder)]

    def help(self, github: str, model: str, *_: Any, **__: Any) -> Any:
        """Return a docstring."""
        self._check(github)
        return repo.entry_point(self._folder, model).__doc__

    def _check(self, name: object) -> None:
        text = re.sub(r"^(?:https?://)?(?:[\w.-]+\.[\w]+[/:])?", "", str(name)).lower()
        text = re.split(r"[@:#]|\.git$", text)[0].rstrip("/")
        known = text in self._names or text.rpartition("/")[2] in self._names
        if not known and str(name) not in {".", "./", self._folder}:
            here = " or ".join(sorted(self._names)) or "a folder without a name"
            raise OtherRepo(f"The example loads {name!r}, but this is {here}.")


def _run(code: str, line: int, space: dict[str, Any], folder: str) -> dict[str, Any] | None:
    if re.search(r"^[ \t]*>>> ", code, re.MULTILINE):
        return _compare(code, line, space)
    plain = _SHELL.sub(r"\1pass", code)
    try:
        with _gradients():
            exec(compile("\n" * line + plain, _FILE, "exec"), space)  # noqa: S102 - what we are for
    except BaseException as error:  # noqa: BLE001 - SystemExit too
        if isinstance(error, SystemExit) and not error.code:
            return None
        found = described(error, folder)
        text = (
            "{} ({})".format(found["error"], found["where"]) if found["where"] else found["error"]
        )
        return {"failed": _line_of(error, line), "error": text}
    return None


def _compare(code: str, line: int, space: dict[str, Any]) -> dict[str, Any] | None:
    test = doctest.DocTestParser().get_doctest(code, space, _FILE, _FILE, line)
    test.globs = space  # not a copy: later blocks go on where this one ends
    told = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False, optionflags=_FLAGS)
    with _gradients():
        runner.run(test, out=told.write, clear_globs=False)
    if not runner.failures:
        return None
    text = " ".join(told.getvalue().split("\n", 2)[-1].split())[:_MAX_REPORT]
    numbered = re.search(r"line (\d+)", told.getvalue())
    return {"failed": int(numbered[1]) if numbered else line + 1, "error": text}


def _line_of(error: BaseException, first: int) -> int:
    """Return the line of the card that an error came from."""
    found, trace = first + 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE:
            found = trace.tb_lineno
        trace = trace.tb_next
    return error.lineno or found if isinstance(error, SyntaxError) else found


def _gradients() -> Any:
    """Give examples what torch starts with; other requests run without gradients."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "enable_grad"):
        return contextlib.nullcontext()
    return torch.enable_grad()
