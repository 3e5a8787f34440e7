"""Cost of an import statement inside a loaded repo, beside the same statement outside.

Functions import names on every call. For names outside the repo our `__import__` has to decide
that they are; the prototype took 243 us for it.
"""

import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from benchmarks.rig.harness import report
from reprise.hub.namespace import entry_point, folder_key, load_module

STATEMENTS = {
    "import os": "import os",
    "import os.path": "import os.path",
    "from json import dumps": "from json import dumps",
    "own: import helper": "import helper",
    "own: from package.inner import value": "from package.inner import value",
}
COUNT = 50_000
ROUNDS = 9


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        repo = load_module(Path(folder), folder_key(Path(folder)))
        plain = load_plain(Path(folder))
        rows = [row(name, repo, plain) for name in STATEMENTS]
        rows.append(window(Path(folder)))
    report("namespaces", rows)


def write(folder: Path) -> None:
    """Write a repo with one function per statement."""
    functions = [
        f"def f{n}(count):\n    for _ in range(count):\n        {statement}\n"
        for n, statement in enumerate(STATEMENTS.values())
    ]
    (folder / "hubconf.py").write_text("\n\n".join([*functions, "def nothing():\n    pass\n"]))
    (folder / "helper.py").write_text("value = 1\n")
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("")
    (folder / "package" / "inner.py").write_text("value = 1\n")


def load_plain(folder: Path) -> ModuleType:
    """Load the same file without a namespace."""
    spec = importlib.util.spec_from_file_location("plain_hubconf", folder / "hubconf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(name: str, repo: ModuleType, plain: ModuleType) -> dict[str, object]:
    """Time one statement in both, in turn."""
    function = f"f{list(STATEMENTS).index(name)}"
    own = name.startswith("own")
    inside, outside = [], []
    for _ in range(ROUNDS):
        inside.append(microseconds(getattr(repo, function)))
        outside.append(0.0 if own else microseconds(getattr(plain, function)))
    return {
        "statement": name,
        "in a repo us": round(min(inside), 2),
        "plain us": None if own else round(min(outside), 2),
        "more us": None if own else round(min(inside) - min(outside), 2),
    }


def window(folder: Path) -> dict[str, object]:
    """Time a call of an entry point that does nothing."""
    entry = entry_point(folder, folder_key(folder), "nothing")

    def calls(count: int) -> None:
        for _ in range(count // 100):
            entry()

    best = min(microseconds(calls) * 100 for _ in range(ROUNDS))
    return {"statement": "call of an entry point", "in a repo us": round(best, 1)}


def microseconds(work: Callable[[int], None]) -> float:
    """Return the time that one turn takes."""
    started = time.process_time()
    work(COUNT)
    return (time.process_time() - started) / COUNT * 1e6


if __name__ == "__main__":
    main()
