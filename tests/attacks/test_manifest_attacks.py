"""Hostile repos: reading a manifest never crashes, never hangs, never leaves the folder."""

import os
from pathlib import Path

import pytest

from reprise.hub.manifest import Manifest, Problem, find, names, read_manifest

OK = "def net():\n    '''Fine.'''\n"


def read(folder: Path, files: dict[str, str | bytes]) -> Manifest:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifest(folder)


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"def f(:\n", 1, "syntax error: invalid syntax"),
        (b"x = 1\n\nif True\n", 3, "syntax error: expected ':'"),
        (b"x = 1\ny = '\x00'\n", 2, "holds a null byte"),
        (b"x = 1\n# \xff\xfe\n", 2, "is not valid utf-8"),
        (b"# coding: nonsense\n", 0, "cannot be decoded: unknown encoding: nonsense"),
        (b"# coding: punycode\n" + b"a-b" * 100, 0, "is encoded as 'punycode', which is not read"),
        (b"# coding: rot13\n", 0, "is encoded as 'rot13', which is not read"),
        (b"\xef\xbb\xbf# coding: latin-1\n", 0, "cannot be decoded: encoding problem: utf-8"),
        (b"x = " + b"9" * 5000 + b"\n", 1, "syntax error: Exceeds the limit"),
        (b"print 'two'\n", 1, "syntax error: Missing parentheses in call to 'print'"),
    ],
)
def test_files_that_are_no_python_are_problems(
    tmp_path: Path, data: bytes, line: int, message: str
) -> None:
    manifest = read(tmp_path, {"hubconf.py": "import broken\n" + OK, "broken.py": data})
    (problem,) = manifest.problems
    assert (problem.file, problem.line) == ("broken.py", line)
    assert problem.message.startswith(message)
    assert names(manifest) == ("net",)
    assert manifest.flags == ("incomplete",)


def test_a_broken_hubconf_is_a_problem_too(tmp_path: Path) -> None:
    manifest = read(tmp_path, {"hubconf.py": "def f(:\n"})
    problem = Problem("hubconf.py", 1, "syntax error: invalid syntax")
    assert (manifest.problems, manifest.entry_points) == ((problem,), ())


def test_another_declared_encoding_is_read(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\ndef net():\n    '''Größe'''\n".encode("latin-1")
    found = find(read(tmp_path, {"hubconf.py": text}), "net")
    assert found is not None
    assert found.doc == "Größe"


def test_huge_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.py").touch()
    os.truncate(tmp_path / "big.py", 100 * 1024 * 1024)
    manifest = read(tmp_path, {"hubconf.py": "import big\n" + OK})
    assert manifest.problems == (
        Problem("big.py", 0, "104857600 bytes; files over 2097152 are not read"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5000 + ")" * 5000,
        "x = " + "[" * 150 + "]" * 150,
        "x = " + "-" * 50_000 + "1",
        "x = " + "not " * 20_000 + "1",
        "x = a" + ".a" * 20_000,
        "x = 1" + " + 1" * 20_000,
        "x = ''" + " + 'x'" * 20_000,
        "x = f" + "()" * 5000,
        "x = a" + "[0]" * 5000,
        "x = " + "lambda: " * 5000 + "1",
        "x = " + "1 if a else " * 5000 + "1",
        "@" + "a(" * 150 + ")" * 150 + "\ndef f(): pass",
        "if a: pass\n" + "elif a: pass\n" * 5000,
        "\n".join("    " * n + "if a:" for n in range(90)) + "\n" + "    " * 90 + "pass",
        "\n".join("    " * n + f"def f{n}():" for n in range(90)) + "\n" + "    " * 90 + "pass",
        "def f(x" + "=-1" * 1 + ", y=" + "-" * 5000 + "1): pass",
        "class A: pass\n" + "".join(f"class A(A): x{n} = 1\n" for n in range(3000)),
        "x = [" * 60 + "]" * 60 + "\n" + "for y in x: z = y\n" * 50,
    ],
)
def test_deep_nesting_is_survived(tmp_path: Path, text: str) -> None:
    manifest = read(tmp_path, {"hubconf.py": OK + "import deep\n", "deep.py": text + "\n"})
    assert names(manifest) == ("net",)
    read(tmp_path, {"hubconf.py": OK + text + "\n"})


def test_a_long_chain_of_imports_is_followed(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"m{n}.py": f"from m{n + 1} import net\n" for n in range(1500)}
    manifest = read(tmp_path, {**files, "m1500.py": OK, "hubconf.py": "from m0 import net\n"})
    found = find(manifest, "net")
    assert found is not None
    assert (found.file, found.doc) == ("m1500.py", "Fine.")


def test_modules_that_all_import_each_other_twice_are_read_once(tmp_path: Path) -> None:
    everyone = "".join(f"    import m{n}\n" for n in range(150))
    body = f"try:\n{everyone}except ImportError:\n    pass\nif True:\n{everyone}"
    needed = "".join(f"import m{n}\n" for n in range(150))
    files: dict[str, str | bytes] = {f"m{n}.py": body + needed for n in range(150)}
    manifest = read(tmp_path, {**files, "hubconf.py": "import m0\nimport timm\n" + OK})
    assert names(manifest) == ("net",)
    assert [item.import_name for item in manifest.dependencies] == ["timm"]


def test_modules_that_import_each_other_are_read_once(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "from a import *\nimport hubconf\nfrom hubconf import loop\n",
            "a.py": "from b import *\nfrom a import own\ndef own(): pass\n",
            "b.py": "from c import *\ndef deep(): pass\n",
            "c.py": "from a import *\nfrom a import own as early\nimport a, b, c\n",
        },
    )
    assert names(manifest) == ("deep", "early", "own")


@pytest.mark.parametrize(
    "text",
    [
        "x = 'a'\n" + "x = x + x\n" * 100,
        "x = [1]\n" + "x = x + x\n" * 100,
        "x = [1]\n" + "x += x\n" * 100,
        "x = [1]\n" + "x.extend(x)\n" * 100,
        "x = {1: 2}\nx[1] = x\nglobals().update(x)\nx.update(x)\n",
        "x = []\nx.append(x)\nfor y in x: globals()[y] = y\n",
        "x = 'a' * 10**9\ny = 10**10**10\nz = 1 << 10**9\n",
        "x = '{:999999999}'.format(1)\ny = '{0.__class__}'.format(1)\n",
        "x = 'a'\n" + "x = x.replace('a', 'aaaaaaaaaaaaaaaaaaaa')\n" * 50,
        "x = 'a'.ljust(10**9)\ny = '%999999999d' % 1\n",
        "for x in range(10**12): globals()[f'n{x}'] = lambda: 0\n",
        "for a in range(999):\n  for b in range(999):\n    for c in range(999): d = a\n",
        "x = [a for a in range(999) for b in range(999) for c in range(999)]\n",
        "import itertools\nx = list(itertools.product(*[range(99)] * 9))\n",
        "while True: pass\n",
        "def f(): return f() + f()\nf()\n",
        "def f(x): return g(x), g(x)\ndef g(x): return f(x), f(x)\nf(1)\n",
        "f = lambda: (f(), f(), f())\nf()\n",
        "class A:\n  def __getattr__(self, n): return getattr(self, n)\nA().x\n",
        "class A: pass\nA.__bases__ = (A,)\nclass A(A): pass\nA()\n",
        "import functools\ndef f(): pass\nf = functools.update_wrapper(f, f)\n",
        "import functools\nf = print\n" + "f = functools.partial(f)\n" * 500,
        "def d(f):\n  return d\n@d\n@d\ndef f(): pass\n",
        "".join(f"class C{n}({', '.join(f'C{m}' for m in range(n))}): pass\n" for n in range(40)),
        "import sys\nsys.path = sys.path * 10**9\nsys.path += [1, None, b'x', '\\0']\n",
        "import importlib\n" + "importlib.import_module('hubconf')\n" * 100,
        "from hubconf import *\n" * 100,
        "import " + ".".join("a" * 5000) + "\n",
        "__all__ = 3\ndependencies = 'torch'\n",
        "dependencies = [[], None, 1, '', '.', '-', 'a b', '\\ud800']\n",
        "globals()['\\ud800'] = lambda: 0\ndel globals()['\\ud800']\n",
        "locals().clear()\nglobals().pop('x')\ndel x, y[0]\n",
        "*a, b = range(5)\n(c, [d, *e]), f = [1], 2\n",
    ],
)
def test_code_that_would_run_for_ever_does_not(tmp_path: Path, text: str) -> None:
    manifest = read(tmp_path, {"hubconf.py": text + OK})
    assert "net" in names(manifest, classic=True)


def test_a_very_long_list_of_names_is_cut_short(tmp_path: Path) -> None:
    text = "".join(f"def f{n}(): pass\n" for n in range(30_000))
    assert len(read(tmp_path, {"hubconf.py": text}).entry_points) == 20_000


def test_a_very_long_text_is_cut_short(tmp_path: Path) -> None:
    text = f"def net():\n    '''{'x' * 1_000_000}'''\n"
    found = find(read(tmp_path, {"hubconf.py": text}), "net")
    assert found is not None
    assert len(found.doc or "") == 100_003


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("def secret(): pass\n")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "file.py").symlink_to(outside / "secret.py")
    (repo / "folder").symlink_to(outside)
    (repo / "up").symlink_to(repo)
    hubconf = "from file import *\nfrom folder.secret import *\nfrom up.up.hubconf import net\n"
    manifest = read(repo, {"hubconf.py": hubconf + OK})
    assert names(manifest) == ("net",)
    message = "a symbolic link that leads out of the repo; it is not followed"
    assert [p for p in manifest.problems if p.message == message] == [
        Problem("file.py", 0, message),
        Problem("folder", 0, message),
    ]
    assert Problem("up", 0, "a symbolic link to a folder above itself; it is not followed") in (
        manifest.problems
    )


def test_a_hubconf_that_is_a_link_out_does_not_exist(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (tmp_path / "other.py").write_text(OK)
    (repo / "hubconf.py").symlink_to(tmp_path / "other.py")
    assert "no-hubconf" in read_manifest(repo).flags


def test_links_inside_the_repo_are_followed(tmp_path: Path) -> None:
    manifest = read(tmp_path, {"real/net.py": OK})
    (tmp_path / "hubconf.py").symlink_to(tmp_path / "real" / "net.py")
    assert names(read_manifest(tmp_path)) == ("net",)
    assert manifest.flags == ("no-hubconf",)


def test_links_into_a_blob_store_are_followed_when_it_is_named(tmp_path: Path) -> None:
    read(tmp_path / "blobs", {"1234": OK})
    snapshot = tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "hubconf.py").symlink_to("../../blobs/1234")
    assert names(read_manifest(snapshot, links=tmp_path)) == ("net",)
    assert "no-hubconf" in read_manifest(snapshot).flags


def test_path_edits_cannot_lead_out(tmp_path: Path) -> None:
    read(tmp_path / "outside", {"secret.py": "def secret(): pass\n"})
    hubconf = (
        "import sys, os\n"
        "sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'outside'))\n"
        f"sys.path.append({str(tmp_path / 'outside')!r})\n"
        "from secret import *\n"
    )
    assert names(read(tmp_path / "repo", {"hubconf.py": hubconf + OK})) == ("net",)


def test_things_that_are_no_files_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    manifest = read(tmp_path, {"hubconf.py": "import pipe, folder\n" + OK})
    assert names(manifest) == ("net",)
    assert Problem("pipe.py", 0, "not a regular file") in manifest.problems


def test_folders_named_like_libraries_do_not_replace_them(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "import torch, numpy\nfrom torch import nn\nimport triton\n"
            "from numpy.evil import net as evil\n" + OK,
            "torch/__init__.py": "nn = 3\n",
            "numpy/evil.py": "def net(): 'evil'\n",
            "triton/deploy.py": "",
        },
    )
    assert [item.import_name for item in manifest.dependencies] == ["numpy", "torch", "triton"]
    evil = find(manifest, "evil")
    assert evil is not None
    assert (evil.certainty, evil.file) == ("external", "numpy.evil.net")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "environment.yml",
            "a: &a [x, x]\n"
            + "".join(f"a{n}: &a{n} [*a, *a]\n" for n in range(5))
            + "dependencies: *a4\n",
        ),
        ("environment.yml", "dependencies: " + "[" * 3000 + "]" * 3000),
        ("environment.yml", "dependencies: !!python/object/apply:os.system ['echo']\n"),
        ("environment.yml", "dependencies: 3\n"),
        ("environment.yml", "\x01"),
        ("pyproject.toml", "project = 3\n"),
        ("pyproject.toml", "[project]\ndependencies = {a = 1}\n"),
        ("pyproject.toml", "a = " + "[" * 3000 + "]" * 3000),
        ("requirements.txt", "-r requirements.txt\n" * 100),
        ("requirements.txt", "a" * 1_000_000),
        ("requirements.txt", "a; python_version < '" + "(" * 1000 + "'\n"),
        ("requirements.txt", "a; " + "(" * 3000 + "os_name == 'x'" + ")" * 3000 + "\n"),
        ("requirements.txt", "-r ../../../etc/passwd\n-r /etc/passwd\n"),
    ],
)
def test_hostile_requirement_files_are_survived(tmp_path: Path, name: str, text: str) -> None:
    assert names(read(tmp_path, {"hubconf.py": OK, name: text})) == ("net",)


def test_warnings_of_the_code_are_nobodys(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "x = '\\d'\ny = 1 is 1\nassert (1, 'always')\n" + OK
    assert names(read(tmp_path, {"hubconf.py": text})) == ("net",)
    assert capfd.readouterr().err == ""
