"""What import statements, calls and sys.path mean inside a repo, and that nobody else notices."""

import importlib
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from reprise.hub.namespace import entry_point, folder_key, load_module

REPOS = Path(__file__).parents[1] / "hubconf_repos"


def write(folder: Path, **files: str) -> Path:
    """Write modules; `a__b` stands for `a/b.py`, `a__init` for `a/__init__.py`."""
    for name, text in files.items():
        package, is_package = name.removesuffix("__init"), name.endswith("__init")
        path = folder / f"{package.replace('__', '/')}{'/__init__' if is_package else ''}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def call(folder: Path, entry: str, *args: object) -> object:
    return entry_point(folder, folder_key(folder), entry)(*args)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An installed library that imports on behalf of its callers."""
    write(
        tmp_path / "site",
        library="import importlib, importlib.util, pickle\n"
        "def by_statement():\n    import models\n    return models\n"
        "def by_call(name):\n    return importlib.import_module(name)\n"
        "def exists(name):\n    return importlib.util.find_spec(name) is not None\n"
        "def unpickle(data):\n    return pickle.loads(data)\n",
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()
    yield importlib.import_module("library")
    del sys.modules["library"]


@pytest.mark.parametrize("way", ["__call__", "by_name", "relative", "by_function"])
def test_modules_are_found_long_after_the_load(way: str) -> None:
    model = call(REPOS / "lazy_forward", "model")
    assert getattr(model, way)(21) == 42
    assert "utils" not in sys.modules


def test_errors_speak_of_the_name_that_the_code_wrote() -> None:
    model = call(REPOS / "lazy_forward", "model")
    with pytest.raises(ModuleNotFoundError) as caught:
        model.missing()
    assert (caught.value.name, str(caught.value)) == (
        "utils.absent",
        "No module named 'utils.absent'",
    )


def test_path_edits_stay_in_the_repo() -> None:
    before = list(sys.path)
    module = load_module(REPOS / "path_edits", folder_key(REPOS / "path_edits"))
    assert sys.path == before
    assert module.sys.path[0] == str(REPOS / "path_edits/src")
    assert module.sys.argv is sys.argv
    assert module.sys.version_info == sys.version_info


def test_a_path_that_is_assigned_stays_in_the_repo(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import os, sys\n"
        "sys.path = [os.path.join(os.path.dirname(__file__), 'lib')] + sys.path\n"
        "from inner import value\ndef net(): return value\n",
        lib__inner="value = 5\n",
    )
    before = list(sys.path)
    assert call(tmp_path, "net") == 5
    assert sys.path == before


def test_edits_of_the_real_path_are_taken_over(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import os, site\n"
        "here = os.path.dirname(os.path.abspath(__file__))\n"
        "os.sys.path.insert(0, os.path.join(here, 'lib'))\n"
        "import inner\ndef net(): return inner.value\n",
        lib__inner="value = 6\n",
    )
    before = list(sys.path)
    assert call(tmp_path, "net") == 6
    assert sys.path == before
    assert "inner" not in sys.modules


def test_paths_that_the_user_added_are_the_users(tmp_path: Path) -> None:
    write(tmp_path, hubconf="def net():\n    import extra_module\n", extra_module="")
    sys.path.append(str(tmp_path))
    try:
        call(tmp_path, "net")
        assert sys.path[-1] == str(tmp_path)
    finally:
        sys.path.pop()


def test_folders_named_like_libraries_are_not_taken_for_them() -> None:
    assert call(REPOS / "library_folders", "net") == (8.0, False)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("triton")


def test_a_librarys_import_statement_never_sees_the_repo(
    tmp_path: Path, library: ModuleType
) -> None:
    del library
    write(
        tmp_path / "repo",
        hubconf="import library\ndef net(): return library.by_statement()\n",
        models="",
    )
    with pytest.raises(ModuleNotFoundError, match="No module named 'models'"):
        call(tmp_path / "repo", "net")


def test_a_library_may_import_by_name_while_the_repo_runs(
    tmp_path: Path, library: ModuleType
) -> None:
    write(
        tmp_path / "repo",
        hubconf="import library\ndef net(): return library.by_call('models.net').Net.__module__\n",
        models__net="class Net: pass\n",
    )
    assert str(call(tmp_path / "repo", "net")).endswith(".models.net")
    with pytest.raises(ModuleNotFoundError):
        library.by_call("models.net")


def test_a_library_that_asks_what_is_installed_hears_the_truth(
    tmp_path: Path, library: ModuleType
) -> None:
    del library
    write(
        tmp_path / "repo",
        hubconf="import library\n"
        "def net(): return library.exists('wandb'), library.exists('yaml')\n",
        wandb="",
    )
    assert call(tmp_path / "repo", "net") == (False, True)


def test_old_pickles_find_their_classes_by_bare_name() -> None:
    net = call(REPOS / "whole_model_pickle", "net")
    assert net(7) == 42
    assert "models" not in sys.modules


def test_a_library_may_unpickle_old_pickles(tmp_path: Path, library: ModuleType) -> None:
    del library
    data = (REPOS / "whole_model_pickle/model.pkl").read_bytes()
    write(
        tmp_path / "repo",
        hubconf=f"import library\ndef net(): return library.unpickle({data!r})\n",
        models__net="class Net: pass\n",
        models__layer="class Layer: pass\n",
    )
    assert type(call(tmp_path / "repo", "net")).__name__ == "Net"
    assert "models" not in sys.modules


def test_the_users_own_modules_of_the_same_name_stay_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "mine", models__net="class Net: mine = True\n", models__init="")
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.syspath_prepend("")
    mine = importlib.import_module("models.net")
    try:
        net = call(REPOS / "whole_model_pickle", "net")
        assert (net(7), type(net) is mine.Net) == (42, False)
        assert sys.modules["models.net"] is mine
    finally:
        del sys.modules["models.net"], sys.modules["models"]


def test_other_threads_keep_their_modules_while_a_repo_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "mine", models="value = 'mine'\n")
    write(
        tmp_path / "repo",
        hubconf="import importlib\n"
        "def net(library, wait):\n"
        "    first = library.import_module('models').value\n"
        "    wait()\n"
        "    return first, library.import_module('models').value\n",
        models="value = 'repo'\n",
    )
    monkeypatch.syspath_prepend(tmp_path / "mine")
    importlib.invalidate_caches()
    seen: list[object] = []

    def elsewhere() -> None:
        thread = threading.Thread(target=lambda: seen.append(importlib.import_module("models")))
        thread.start()
        thread.join()
        thread = threading.Thread(target=lambda: seen.append(seen[0].value))
        thread.start()
        thread.join()

    assert call(tmp_path / "repo", "net", importlib, elsewhere) == ("repo", "repo")
    assert seen[1] == "mine"
    assert sys.modules.pop("models").value == "mine"


def test_modules_that_the_code_registers_itself_are_kept_for_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import sys\nimport legacy\nsys.modules['old_name'] = legacy\n"
        "def net():\n    import old_name\n    return old_name.value\n",
        legacy="value = 3\n",
    )
    entry = entry_point(tmp_path, folder_key(tmp_path), "net")
    assert "old_name" not in sys.modules
    assert entry() == 3


def test_modules_loaded_by_file_import_from_the_repo(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import importlib.util, os\n"
        "def net():\n"
        "    path = os.path.join(os.path.dirname(__file__), 'plugins', 'one.py')\n"
        "    spec = importlib.util.spec_from_file_location('plugin', path)\n"
        "    module = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(module)\n"
        "    return module.value\n",
        plugins__one="from helpers import value\n",
        helpers="value = 9\n",
    )
    assert call(tmp_path, "net") == 9


def test_modules_written_while_the_code_runs_are_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import os\n"
        "def net():\n"
        "    try:\n        import generated\n"
        "    except ImportError:\n"
        "        with open(os.path.join(os.path.dirname(__file__), 'generated.py'), 'w') as f:\n"
        "            f.write('value = 4')\n"
        "    import generated\n    return generated.value\n",
    )
    assert call(tmp_path, "net") == 4


def test_built_in_names_that_the_code_adds_are_its_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import builtins\nbuiltins.added_name = 5\ndef net(): return added_name\n",
    )
    import builtins

    try:
        assert call(tmp_path, "net") == 5
        assert builtins.added_name == 5
    finally:
        del builtins.added_name


def test_tools_that_walk_through_all_modules_are_not_disturbed(
    tmp_path: Path, library: ModuleType
) -> None:
    del library
    write(
        tmp_path / "repo",
        hubconf="import library\n"
        "def net(wait):\n    library.by_call('models')\n    return wait()\n",
        models="value = 1\n",
    )

    def walk() -> dict[str, object]:
        found: dict[str, object] = {}
        thread = threading.Thread(
            target=lambda: found.update(
                {n: getattr(m, "__file__", None) for n, m in list(sys.modules.items())}
            )
        )
        thread.start()
        thread.join()
        return found

    files = call(tmp_path / "repo", "net", walk)
    assert files["threading"] == threading.__file__
    assert files["models"] is None


def test_files_beside_modules_are_found_by_bare_name(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="from importlib import resources\n"
        "def net(): return resources.files('data').joinpath('words.txt').read_text()\n",
        data__init="",
    )
    (tmp_path / "data" / "words.txt").write_text("one two")
    assert call(tmp_path, "net") == "one two"


def test_the_standard_library_wins_where_it_is_loaded_already(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import logging\nimport this_is_ours\ndef net(): return logging, this_is_ours.x\n",
        logging="raise RuntimeError\n",
        this_is_ours="x = 1\n",
    )
    import logging

    assert call(tmp_path, "net") == (logging, 1)


def test_packages_that_reach_each_other_in_a_circle_load(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="from a.one import f as net\n",
        a__init="from . import one\n",
        a__one="import b.two\ndef f(): return b.two.g()\n",
        b__two="from a import one\ndef g(): return one.__name__.rpartition('.')[2]\n",
    )
    assert call(tmp_path, "net") == "one"


def test_plugins_found_by_walking_a_package_load(tmp_path: Path) -> None:
    write(
        tmp_path,
        hubconf="import importlib, pkgutil, zoo\n"
        "for item in pkgutil.iter_modules(zoo.__path__):\n"
        "    importlib.import_module('zoo.' + item.name)\n"
        "def net(): return sorted(zoo.FOUND)\n",
        zoo__init="FOUND = []\n",
        zoo__one="from zoo import FOUND\nFOUND.append('one')\n",
        zoo__two="from . import FOUND\nFOUND.append('two')\n",
    )
    assert call(tmp_path, "net") == ["one", "two"]
