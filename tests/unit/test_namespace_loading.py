"""Loading hubconf repos side by side."""

import inspect
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.base.errors import EntryNotFound, InvalidInput
from reprise.hub.namespace import entry_point, folder_key, load_module, unload

REPOS = Path(__file__).parents[1] / "hubconf_repos"


@pytest.fixture(autouse=True)
def process_is_left_as_it_was() -> Iterator[None]:
    paths, modules = list(sys.path), set(sys.modules)
    yield
    assert sys.path == paths
    left = {name for name in set(sys.modules) - modules if not name.startswith("reprise.")}
    assert not left & {"models", "utils", "core", "zoo", "hubconf", "extra", "hidden_tools"}


def load(name: str, entry: str, *args: object, **kwargs: object) -> object:
    folder = REPOS / name
    return entry_point(folder, folder_key(folder), entry)(*args, **kwargs)


@pytest.mark.parametrize(
    ("repo", "entry", "args", "expected"),
    [
        ("classes_instances", "tiny", (5,), 5),
        ("classes_instances", "double", (4,), 8),
        ("contradictory_defaults", "swallowed", ("screen", True), ("screen", True)),
        ("decorated", "kept", (True,), {"kept": True}),
        ("decorated", "configured", (True,), {"checkpoint": "in1k", "width": 8}),
        ("loop_globals", "net_b1", (), ("b1", 1.1, False)),
        ("loop_globals", "lite_b2", (), ("b2", 0.6, False)),
        ("loop_globals", "size_two", (), "two"),
        ("path_edits", "net", (), (0, 0, 0, 0)),
        ("path_edits", "late", (), (1,)),
        ("registry", "res18", (True,), ("resnet18", True, {})),
        ("registry", "vgg", (19,), ("vgg", 19)),
        ("relative_imports", "pair", (), ((3, 3), (3, 3))),
        ("star_imports", "beta", (7,), 7),
        ("undeclared", "net", (), ({"width": 4}, [])),
    ],
)
def test_entry_points_of_real_repos_run(
    repo: str, entry: str, args: tuple[object, ...], expected: object
) -> None:
    assert load(repo, entry, *args) == expected


def test_repos_with_equal_package_names_live_side_by_side() -> None:
    first, second = load("same_names_a", "net", 1), load("same_names_b", "net", 2)
    assert (first.forward(), second.forward()) == ("a:late a:a:1", "b:late b:b:2")


def test_two_commits_of_one_repo_live_side_by_side(tmp_path: Path) -> None:
    for commit in ("1" * 40, "2" * 40):
        shutil.copytree(REPOS / "same_names_a", tmp_path / commit)
        (tmp_path / commit / "utils" / "helper.py").write_text(f"NAME = {commit!r}\n")
    nets = [
        entry_point(tmp_path / commit, f"hub.org/o/n/{commit}", "net")()
        for commit in ("1" * 40, "2" * 40)
    ]
    assert [net.name for net in nets] == ["1" * 40, "2" * 40]
    assert type(nets[0]) is not type(nets[1])


def test_a_second_load_returns_the_same_module() -> None:
    folder = REPOS / "registry"
    assert load_module(folder, folder_key(folder)) is load_module(folder, folder_key(folder))


def test_modules_are_named_after_the_key() -> None:
    module = load_module(REPOS / "registry", "hub.org/o/my_zoo/" + "a" * 40)
    prefix = f"reprise.hub.namespace.repos.r_hub_dorg_so_smy__zoo_s{'a' * 40}"
    assert module.__name__ == f"{prefix}.hubconf"
    assert module.ResNet.__module__ == f"{prefix}.zoo.resnet" if hasattr(module, "ResNet") else True
    assert module.resnet18.__module__ == f"{prefix}.zoo.resnet"


def test_an_entry_point_shows_its_own_signature_and_text() -> None:
    folder = REPOS / "decorated"
    entry = entry_point(folder, folder_key(folder), "kept")
    assert str(inspect.signature(entry)) == "(pretrained: bool = False, **kwargs) -> dict"
    assert entry.__doc__ == "Keeps its signature and its text."


def test_source_and_file_names_are_the_real_ones() -> None:
    net = load("same_names_a", "net")
    assert inspect.getsourcefile(type(net)) == str(REPOS / "same_names_a/models/net.py")
    assert "Knows where it comes from" in inspect.getsource(type(net))


def test_tracebacks_show_the_repos_lines(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("def fail():\n    return 1 / 0  # here\n")
    with pytest.raises(ZeroDivisionError) as caught:
        entry_point(tmp_path, folder_key(tmp_path), "fail")()
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno) == (str(tmp_path / "hubconf.py"), 1)
    assert "# here" in str(last.statement)


def test_nothing_is_left_behind_by_code_that_fails(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text("import sys\nsys.path.append('/nowhere')\n")
    (tmp_path / "hubconf.py").write_text("import models\nraise RuntimeError('no')\n")
    with pytest.raises(RuntimeError, match="no"):
        load_module(tmp_path, folder_key(tmp_path))
    assert "models" not in sys.modules
    assert "/nowhere" not in sys.path


def test_a_repo_that_failed_can_be_loaded_when_it_is_mended(tmp_path: Path) -> None:
    hubconf = tmp_path / "hubconf.py"
    hubconf.write_text("raise RuntimeError\n")
    with pytest.raises(RuntimeError):
        load_module(tmp_path, folder_key(tmp_path))
    hubconf.write_text("def net():\n    return 'mended'\n")
    assert entry_point(tmp_path, folder_key(tmp_path), "net")() == "mended"


def test_unloading_lets_changed_files_be_read(tmp_path: Path) -> None:
    hubconf = tmp_path / "hubconf.py"
    hubconf.write_text("def net():\n    return 1\n")
    key = folder_key(tmp_path)
    old = entry_point(tmp_path, key, "net")
    hubconf.write_text("def net():\n    return 22\n")
    assert entry_point(tmp_path, key, "net")() == 1
    unload(key)
    assert (entry_point(tmp_path, key, "net")(), old()) == (22, 1)


def test_a_missing_entry_point_is_answered_with_what_there_is() -> None:
    folder = REPOS / "star_imports"
    with pytest.raises(EntryNotFound, match=r"no entry point 'gama'. It has: Alpha, .*gamma"):
        entry_point(folder, folder_key(folder), "gama")


def test_a_name_that_cannot_be_called_is_refused() -> None:
    folder = REPOS / "classes_instances"
    with pytest.raises(EntryNotFound, match=r"'sizes' in hubconf\.py is a dict"):
        entry_point(folder, folder_key(folder), "sizes")


def test_a_folder_without_hubconf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EntryNotFound, match=r"has no hubconf\.py"):
        load_module(tmp_path, "hub.org/o/empty/1")


def test_a_key_means_one_folder(tmp_path: Path) -> None:
    shutil.copytree(REPOS / "registry", tmp_path / "copy")
    load_module(REPOS / "registry", "hub.org/o/one/1")
    with pytest.raises(InvalidInput, match=r"hub\.org/o/one/1 is loaded from .* already"):
        load_module(tmp_path / "copy", "hub.org/o/one/1")


def test_byte_code_is_neither_written_nor_believed(tmp_path: Path) -> None:
    import py_compile

    shutil.copytree(REPOS / "same_names_a", tmp_path / "repo")
    helper = tmp_path / "repo" / "utils" / "helper.py"
    source = helper.read_text()
    helper.write_text("NAME = 'forged'\n")
    py_compile.compile(str(helper), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    helper.write_text(source)
    before = sorted(tmp_path.rglob("*"))
    assert entry_point(tmp_path / "repo", folder_key(tmp_path / "repo"), "net")().name == "a"
    assert sorted(tmp_path.rglob("*")) == before
