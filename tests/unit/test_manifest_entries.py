"""Entry points read from source: names, kinds, signatures, texts, places."""

import sys
from pathlib import Path

import pytest

from reprise.base.errors import NotFound
from reprise.hub.manifest import EntryPoint, Manifest, find, names, read_manifest

REPOS = Path(__file__).parents[1] / "hubconf_repos"


def read(folder: Path, files: dict[str, str]) -> Manifest:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_manifest(folder)


def entry(manifest: Manifest, name: str) -> EntryPoint:
    found = find(manifest, name)
    assert found is not None
    return found


def test_a_function_is_described_in_full(tmp_path: Path) -> None:
    text = (
        "import functools\n\n"
        "@functools.lru_cache(maxsize=None)\n"
        "def net(pretrained: bool = False, *, width=3, **kwargs) -> 'Net':\n"
        '    """A net.\n\n    More.\n    """\n'
    )
    assert read(tmp_path, {"hubconf.py": text}).entry_points == (
        EntryPoint(
            name="net",
            kind="function",
            signature="(pretrained: bool = False, *, width=3, **kwargs) -> 'Net'",
            doc="A net.\n\n    More.\n    ",
            file="hubconf.py",
            line=4,
            decorators=("functools.lru_cache(maxsize=None)",),
            certainty="static",
            own=True,
        ),
    )


def test_classes_instances_and_partials_are_told_apart() -> None:
    manifest = read_manifest(REPOS / "classes_instances")
    assert [(e.name, e.kind, e.signature) for e in manifest.entry_points if e.own] == [
        ("Base", "class", "(width: int, depth: int = 2, *, bias=True)"),
        ("Config", "class", "(width: int, depth: int = 2, names: list = <factory>) -> None"),
        ("Plain", "class", "()"),
        ("Point", "class", "(x: int, y: int = 0)"),
        ("Wide", "class", "(width: int, depth: int = 2, *, bias=True)"),
        ("double", "function", "(x, offset=0)"),
        ("shifted", "function", "(x, *, offset=10)"),
        ("square", "function", "(x)"),
        ("tiny", "instance", "(x)"),
    ]


def test_incidental_imports_are_listed_but_not_owned() -> None:
    manifest = read_manifest(REPOS / "classes_instances")
    incidental = set(names(manifest, classic=True)) - set(names(manifest))
    assert incidental == {"NamedTuple", "dataclass", "field"}
    assert entry(manifest, "field").certainty == "external"
    assert entry(manifest, "field").file == "dataclasses.field"


def test_decorated_functions_show_what_a_caller_needs() -> None:
    manifest = read_manifest(REPOS / "decorated")
    shown = {e.name: (e.signature, e.doc, e.line) for e in manifest.entry_points}
    assert shown["kept"] == (
        "(pretrained: bool = False, **kwargs) -> dict",
        "Keeps its signature and its text.",
        51,
    )
    assert shown["hidden"] == ("(classes=10, *, dropout=0.1)", "Loses both when it runs.", 57)
    assert shown["configured"][0] == "(pretrained=False, checkpoint='in1k', **kwargs)"
    assert shown["stacked"] == ("(x, y=1)", "Two layers.", 70)
    assert entry(manifest, "stacked").decorators == ("Retry(times=2)", "counted")


def test_names_made_in_loops_are_dynamic() -> None:
    manifest = read_manifest(REPOS / "loop_globals")
    certainty = {e.name: e.certainty for e in manifest.entry_points}
    assert certainty == {
        "lite_b0": "dynamic",
        "lite_b1": "dynamic",
        "lite_b2": "dynamic",
        "net_b0": "dynamic",
        "net_b1": "dynamic",
        "net_b2": "dynamic",
        "plain": "static",
        "size_one": "dynamic",
        "size_two": "dynamic",
    }
    assert entry(manifest, "net_b0").signature == "(pretrained=False, **kwargs)"


def test_registries_filled_by_decorators_are_read() -> None:
    manifest = read_manifest(REPOS / "registry")
    assert [(e.name, e.file, e.line, e.certainty) for e in manifest.entry_points] == [
        ("res18", "zoo/registry.py", 25, "static"),
        ("resnet18", "zoo/resnet.py", 11, "static"),
        ("resnet50", "zoo/resnet.py", 17, "static"),
        ("vgg", "zoo/vgg.py", 5, "static"),
        ("vgg_bn", "zoo/vgg.py", 11, "static"),
    ]


def test_star_imports_bring_what_all_says() -> None:
    manifest = read_manifest(REPOS / "star_imports")
    assert names(manifest) == ("Alpha", "alpha_large", "alpha_small", "beta", "delta", "gamma")
    assert manifest.flags == ()


def test_path_edits_are_followed() -> None:
    manifest = read_manifest(REPOS / "path_edits")
    assert entry(manifest, "build").file == "src/core/net.py"
    assert entry(manifest, "polish").file == "inner/hidden_tools.py"
    assert manifest.flags == ("path-edits",)


def test_what_the_file_imports_and_uses_is_a_helper(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "from nets import alexnet, helper, repeated as repeated, listed\n"
            "__all__ = ['listed']\n"
            "def net():\n    return helper(repeated, listed)\n",
            "nets.py": "def alexnet(): pass\ndef helper(): pass\n"
            "def repeated(): pass\ndef listed(): pass\n",
        },
    )
    assert names(manifest) == ("alexnet", "listed", "net", "repeated")
    assert names(manifest, classic=True) == ("alexnet", "helper", "listed", "net", "repeated")


def test_a_variable_of_that_name_in_a_function_is_no_use(tmp_path: Path) -> None:
    hubconf = "from nets import model\ndef net():\n    model = 1\n    return model\n"
    manifest = read(tmp_path, {"hubconf.py": hubconf, "nets.py": "def model(): pass\n"})
    assert names(manifest) == ("model", "net")


def test_a_file_that_only_passes_on_another_library_owns_its_names(tmp_path: Path) -> None:
    hubconf = "import os\nfrom pathlib import Path\nfrom facenet import MTCNN, fixed_image\n"
    manifest = read(tmp_path, {"hubconf.py": hubconf})
    assert names(manifest) == ("MTCNN", "fixed_image")
    assert entry(manifest, "MTCNN") == EntryPoint(
        "MTCNN", "unknown", None, None, "facenet.MTCNN", 0, (), "external", own=True
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if True:\n    def f(): pass\n", [("f", "static")]),
        ("if False:\n    def f(): pass\n", []),
        ("if cuda():\n    def f(): pass\n", [("f", "dynamic")]),
        ("if cuda():\n    def f(): pass\nelse:\n    def f(x): pass\n", [("f", "static")]),
        ("if __name__ == '__main__':\n    def f(): pass\n", []),
        ("try:\n    def f(): pass\nexcept ImportError:\n    f = None\n", [("f", "static")]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    def f(): pass\n", []),
        ("import sys\nif sys.version_info < (3, 2):\n    def f(): pass\n", [("f", "dynamic")]),
        ("def f(): pass\ndel f\n", []),
        ("def f(): pass\nf = 3\n", []),
        ("def _f(): pass\nf = _f\n", [("f", "static")]),
        ("globals()['f'] = lambda: 0\n", [("f", "static")]),
        ("globals().update(f=lambda: 0)\n", [("f", "static")]),
        ("vars()['f'] = lambda: 0\n", [("f", "static")]),
        ("import sys\nsetattr(sys.modules[__name__], 'f', lambda: 0)\n", [("f", "static")]),
        ("for n in 'ab':\n    exec(n)\n", []),
        ("def g():\n    global f\n    def f(): pass\ng()\n", [("f", "static"), ("g", "static")]),
        ("with open('x'):\n    def f(): pass\n", [("f", "static")]),
        ("f, g = (lambda: 0), 3\n", [("f", "static")]),
        ("def f(): pass\nif cuda():\n    f = None\n", [("f", "static")]),
        ("match 1:\n    case None:\n        pass\n    case {'a': [_, *r], **k}: f = 1\n", []),
        ("match 1:\n    case 1:\n        def f(): pass\n", [("f", "dynamic")]),
    ],
)
def test_branches_are_judged(tmp_path: Path, text: str, expected: list[tuple[str, str]]) -> None:
    manifest = read(tmp_path, {"hubconf.py": text})
    assert [(e.name, e.certainty) for e in manifest.entry_points if e.own] == expected


@pytest.mark.parametrize(
    "text",
    [
        "import os\nfor n in os.environ:\n    globals()[n] = lambda: 0\n",
        "import json\nglobals().update(json.load(open('x')))\n",
        "from somewhere import *\n",
        "exec('def f(): pass')\n",
        "import sys, os\nsetattr(sys.modules[__name__], os.name, lambda: 0)\n",
        "def __getattr__(name): return lambda: 0\n",
    ],
)
def test_names_that_cannot_be_known_are_announced(tmp_path: Path, text: str) -> None:
    assert "dynamic-names" in read(tmp_path, {"hubconf.py": text}).flags


def test_factories_and_closures_are_followed(tmp_path: Path) -> None:
    hubconf = (
        "from functools import partial\n"
        "def _make(name, *, bias=True):\n"
        "    def build(pretrained=False):\n        '''Build it.'''\n"
        "    build.__name__ = name\n"
        "    return build\n"
        "net = _make('net')\n"
        "table = {f.__name__: f for f in [_make(n) for n in ('a', 'b')]}\n"
        "globals().update(table)\n"
    )
    manifest = read(tmp_path, {"hubconf.py": hubconf})
    described = [(e.name, e.signature, e.doc, e.line) for e in manifest.entry_points if e.own]
    assert described == [(n, "(pretrained=False)", "Build it.", 3) for n in ("a", "b", "net")]


def test_constructors_come_from_bases_in_other_files(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "from nets import Left, Both, Torch, New\n",
            "nets/__init__.py": "from .all import *\n",
            "nets/all.py": "import torch\nfrom .base import A, B\n"
            "class Left(A): pass\nclass Both(B, A): pass\n"
            "class Torch(torch.nn.Module): pass\n"
            "class New(A):\n    def __new__(cls, z): pass\n",
            "nets/base.py": "class A:\n    def __init__(self, a): pass\n"
            "class B(A):\n    def __init__(self, b): pass\n",
        },
    )
    assert [(e.name, e.signature) for e in manifest.entry_points] == [
        ("Both", "(b)"),
        ("Left", "(a)"),
        ("New", "(z)"),
        ("Torch", "(*args, **kwargs) -> None"),
    ]


def test_subclass_hooks_and_mapping_classes_fill_registries(tmp_path: Path) -> None:
    hubconf = (
        "class Registry(dict):\n"
        "    def add(self, f):\n        self[f.__name__] = f\n        return f\n"
        "R = Registry()\n"
        "@R.add\ndef _one(): pass\n"
        "class _Base:\n"
        "    known = {}\n"
        "    def __init_subclass__(cls, tag=None): _Base.known[tag] = cls\n"
        "class _Two(_Base, tag='two'): pass\n"
        "globals().update(R)\n"
        "globals().update({'three': R['_one']})\n"
        "globals().update(_Base.known)\n"
    )
    manifest = read(tmp_path, {"hubconf.py": hubconf})
    assert names(manifest) == ("Registry", "three", "two")


def test_instances_whose_class_is_partly_elsewhere_are_dynamic(tmp_path: Path) -> None:
    hubconf = (
        "import torch, other\n"
        "class _Net(torch.nn.Module):\n    def forward(self, x, *, y=1): pass\n"
        "class _Bare(torch.nn.Module): pass\n"
        "class _Odd(other.Thing): pass\n"
        "class _Text(str): pass\n"
        "net, bare, odd, text = _Net(), _Bare(), _Odd(), _Text()\n"
    )
    manifest = read(tmp_path, {"hubconf.py": hubconf})
    assert [(e.name, e.kind, e.signature, e.certainty) for e in manifest.entry_points] == [
        ("bare", "instance", None, "static"),
        ("net", "instance", "(x, *, y=1)", "static"),
        ("odd", "instance", None, "dynamic"),
    ]


def test_texts_that_are_assigned_are_read(tmp_path: Path) -> None:
    hubconf = (
        "class A:\n    'One.'\n"
        "class B:\n    __doc__ = A.__doc__\n"
        "def f(): pass\nf.__doc__ = 'Two.'\n"
        "def g():\n    'Three.'\ng.__doc__ = format(g)\n"
    )
    manifest = read(tmp_path, {"hubconf.py": hubconf})
    assert [(e.name, e.doc) for e in manifest.entry_points] == [
        ("A", "One."),
        ("B", "One."),
        ("f", "Two."),
        ("g", "Three."),
    ]


def test_plugins_found_in_a_folder_are_read(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "import zoo\nglobals().update(zoo.FOUND)\n",
            "zoo/__init__.py": "import os, importlib\nFOUND = {}\n"
            "for file in sorted(os.listdir(os.path.dirname(__file__))):\n"
            "    if file.endswith('.py') and not file.startswith('_'):\n"
            "        importlib.import_module(f'{__name__}.{file[:-3]}')\n",
            "zoo/one.py": "from zoo import FOUND\ndef net(): 'One.'\nFOUND['one'] = net\n",
            "zoo/two.py": "from . import FOUND\nFOUND['two'] = lambda: 0\n",
        },
    )
    assert [(e.name, e.doc) for e in manifest.entry_points] == [("one", "One."), ("two", None)]


def test_defaults_that_are_known_are_written_out(tmp_path: Path) -> None:
    hubconf = (
        "N = 3\nURL = 'x'\nHERE = __file__\n"
        "def net(a=N, b=URL, c=-1, d=(1, 2), e=None, f=HERE, g=unknown(), h=1e-3): pass\n"
    )
    signature = entry(read(tmp_path, {"hubconf.py": hubconf}), "net").signature
    assert signature == ("(a=3, b='x', c=-1, d=(1, 2), e=None, f=HERE, g=unknown(), h=0.001)")


def test_namespace_packages_and_relative_imports_are_followed() -> None:
    manifest = read_manifest(REPOS / "relative_imports")
    assert entry(manifest, "norm").file == "detector/layers/norm.py"
    assert entry(manifest, "detector").signature == "(norm=default_norm, *, depth: int = 1)"
    assert manifest.problems == ()


def test_an_import_that_the_repo_cannot_serve_is_a_problem(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "import nets.absent\nfrom nets import nothing\n"
            "try:\n    import nets.optional\nexcept ImportError:\n    pass\n",
            "nets/__init__.py": "",
        },
    )
    assert [(p.file, p.line, p.message) for p in manifest.problems] == [
        ("hubconf.py", 1, "imports nets.absent, which the repo does not have"),
        ("hubconf.py", 2, "imports nets.nothing, which the repo does not have"),
    ]


def test_a_folder_without_hubconf_has_an_empty_manifest(tmp_path: Path) -> None:
    manifest = read_manifest(tmp_path)
    assert manifest.flags == ("no-hubconf",)
    assert manifest.problems[0].message == "there is no hubconf.py in the root of the repo"


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        read_manifest(tmp_path / "absent")


def test_nothing_of_the_repo_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    hubconf = f"open({str(mark)!r}, 'w')\nimport evil\ndef net(): pass\n"
    read(tmp_path, {"hubconf.py": hubconf, "evil.py": hubconf})
    assert not mark.exists()
    assert "evil" not in sys.modules
