"""Environments come from locks: exact, checked, shared, complete or absent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.base.errors import (
    CorruptContent,
    IncompatibleDependencies,
    InvalidFormat,
    InvalidInput,
    MissingExtra,
    NotSupported,
    OfflineMiss,
)
from reprise.formats import pylock
from reprise.formats.pylock import Lock, LockedPackage, Wheel
from reprise.isolate import environments, housekeeping, installers, interpreter
from reprise.isolate.environments import Environment, build, ensure, resolve
from reprise.isolate.installers import Installer
from reprise.isolate.requirements import Sources
from tests.sandboxes import ALL_TOOLS
from tests.wheelhouse import lock_of, make_wheel, wheel_of

if TYPE_CHECKING:
    from reprise.isolate.progress import Step


@pytest.fixture(scope="module")
def python() -> interpreter.Interpreter:
    return interpreter.find(None)


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest, python: interpreter.Interpreter) -> Installer:
    try:
        return installers.choose(python, request.param)
    except MissingExtra:
        if ALL_TOOLS and request.param == "pip":
            raise
        pytest.skip(f"{request.param} is not installed")


@pytest.fixture
def shelf(tmp_path: Path) -> Sources:
    """A folder with a few wheels that depend on each other."""
    folder = tmp_path / "shelf"
    make_wheel(folder, "base", "1.0")
    make_wheel(folder, "base", "2.0")
    make_wheel(folder, "old", requires=["base<2"])
    make_wheel(folder, "new", requires=["base>=2"])
    make_wheel(
        folder, "tool", files={
            "tool/main.py": "def run():\n    import tool\n    print('tool', tool.version)\n",
            "tool-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = tool.main:run\n",
            "tool-1.0.data/data/share/tool.txt": "data",
            "tool-1.0.data/scripts/hello": "#!python\nimport tool\nprint('hello', tool.version)\n",
        },
    )  # fmt: skip
    return Sources(find_links=(folder,), offline=True)


def run(environment: Environment, code: str) -> str:
    done = subprocess.run(
        [environment.python, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_resolving_pins_versions_and_hashes(shelf: Sources, installer: Installer) -> None:
    lock = resolve(["old", "Base"], sources=shelf, installer=installer)
    assert [(package.name, package.version) for package in lock.packages] == [
        ("base", "1.0"), ("old", "1.0")
    ]  # fmt: skip
    folder = shelf.folders()[0]
    assert lock.packages[0].wheels[0] == replace(
        wheel_of(folder / "base-1.0-py3-none-any.whl"), size=lock.packages[0].wheels[0].size
    )


def test_constraints_limit_versions(shelf: Sources, installer: Installer) -> None:
    lock = resolve(["base"], constraints=["base<2"], sources=shelf, installer=installer)
    assert [package.version for package in lock.packages] == ["1.0"]


def test_a_conflict_says_who_wants_what(shelf: Sources, installer: Installer) -> None:
    with pytest.raises(IncompatibleDependencies) as caught:
        resolve(["old", "new"], sources=shelf, installer=installer)
    assert "cannot be installed together" in caught.value.message
    assert "new, old" in caught.value.message
    for word in ("base<2", "base>=2", "old", "new"):
        assert word in caught.value.hint


def test_a_package_that_does_not_exist_is_named(shelf: Sources, installer: Installer) -> None:
    with pytest.raises(IncompatibleDependencies, match="no-such-package"):
        resolve(["no_such_package"], sources=shelf, installer=installer)


def test_a_package_without_a_wheel_is_refused(
    shelf: Sources, installer: Installer, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    source = tmp_path / "source-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: source\nVersion: 1.0\n")
    shutil.make_archive(str(shelf.folders()[0] / "source-1.0"), "gztar", tmp_path, "source-1.0")
    with pytest.raises(IncompatibleDependencies, match="source"):
        resolve(["source"], sources=shelf, installer=installer)
    assert not marker.exists()


@pytest.mark.parametrize(
    "line",
    ["--index-url=http://evil.example", "-r /etc/passwd", "x @ git+https://evil.example/x",
     "x @ file:///etc/passwd", "../folder", "a; b", "x\n--pre", ""],
)  # fmt: skip
def test_only_plain_requirements_are_accepted(line: str) -> None:
    with pytest.raises(InvalidInput):
        resolve([line])


def test_an_interpreter_that_is_too_old_or_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="There is no Python"):
        interpreter.find("2.99")
    old = tmp_path / "python"
    old.write_text(
        '#!/bin/sh\necho \'{"version": [3, 7, 16], "base": "/", "executable": "/x",'
        ' "cache_tag": "cpython-37", "tags": [], "markers": {}}\'\n'
    )
    old.chmod(0o755)
    with pytest.raises(NotSupported, match=r"Python 3\.7\.16; workers need 3\.8 or newer"):
        interpreter.inspect(old)
    with pytest.raises(NotSupported, match="does not work as a Python interpreter"):
        interpreter.inspect(Path("/bin/false"))


def test_an_environment_holds_exactly_the_lock(
    shelf: Sources, installer: Installer, tmp_path: Path
) -> None:
    lock = resolve(["old", "tool"], sources=shelf, installer=installer)
    made = build(lock, tmp_path / "root", sources=shelf, installer=installer)
    assert made.packages == (("base", "1.0"), ("old", "1.0"), ("tool", "1.0"))
    assert run(made, "import base, old; print(base.version, old.version)") == "1.0 1.0"
    assert run(made, "import sys; print(sys.prefix)") == str(made.folder)
    assert (made.folder / "share" / "tool.txt").read_text() == "data"


@pytest.mark.parametrize(("script", "printed"), [("tool", "tool 1.0"), ("hello", "hello 1.0")])
def test_programs_of_wheels_run_from_anywhere(
    shelf: Sources, tmp_path: Path, script: str, printed: str
) -> None:
    made = build(resolve(["tool"], sources=shelf), tmp_path / "root", sources=shelf)
    moved = tmp_path / "moved folder"
    made.folder.rename(moved)
    done = subprocess.run([moved / "bin" / script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{printed}\n"


def test_a_second_build_is_the_same_environment(shelf: Sources, tmp_path: Path) -> None:
    lock = resolve(["old"], sources=shelf)
    steps: list[Step] = []
    first = build(lock, tmp_path / "root", sources=shelf)
    second = build(lock, tmp_path / "root", sources=shelf, progress=steps.append)
    assert second == first
    assert [step.phase for step in steps] == ["done"]


def test_environments_share_files(shelf: Sources, tmp_path: Path) -> None:
    root = tmp_path / "root"
    one = build(resolve(["base==1.0"], sources=shelf), root, sources=shelf)
    two = build(resolve(["old"], sources=shelf), root, sources=shelf)
    module = next(one.folder.glob("lib/*/site-packages/base/__init__.py"))
    twin = two.folder / module.relative_to(one.folder)
    assert module.stat().st_ino == twin.stat().st_ino
    assert list(module.parent.glob("__pycache__/*.pyc"))
    assert module.stat().st_mode & 0o222 == 0


def test_the_digest_depends_on_wheels_only(shelf: Sources, tmp_path: Path) -> None:
    folder = shelf.folders()[0]
    lock = lock_of(folder / "base-1.0-py3-none-any.whl", folder / "tool-1.0-py3-none-any.whl")
    again = replace(lock, created_by="someone else")
    first = build(lock, tmp_path / "one").digest
    assert build(again, tmp_path / "two").digest == first
    assert build(lock_of(folder / "base-2.0-py3-none-any.whl"), tmp_path / "two").digest != first


def test_a_changed_wheel_is_refused_and_nothing_is_left(
    shelf: Sources, installer: Installer, tmp_path: Path
) -> None:
    lock = resolve(["base==1.0"], sources=shelf, installer=installer)
    make_wheel(shelf.folders()[0], "base", "1.0", files={"base/evil.py": ""})
    with pytest.raises(CorruptContent, match="SHA-256"):
        build(lock, tmp_path / "root", sources=shelf, installer=installer)
    assert leftovers(tmp_path / "root") == []


def test_a_wheel_that_is_nowhere_is_an_error_that_says_so(
    installer: Installer, tmp_path: Path
) -> None:
    path = make_wheel(tmp_path / "gone", "ghost")
    lock = lock_of(path)
    path.unlink()
    with pytest.raises(OfflineMiss, match=r"ghost 1\.0"):
        build(lock, tmp_path / "root", sources=Sources(offline=True), installer=installer)
    assert leftovers(tmp_path / "root") == []


def test_the_installer_fetches_what_is_not_at_the_recorded_place(
    shelf: Sources, installer: Installer, tmp_path: Path
) -> None:
    folder = shelf.folders()[0]
    lock = lock_of(folder / "base-1.0-py3-none-any.whl", folder / "tool-1.0-py3-none-any.whl")
    page = tmp_path / "page.html"
    links = "".join(f"<a href='{p.as_uri()}'>{p.name}</a>" for p in folder.glob("*.whl"))
    page.write_text(f"<html><body>{links}</body></html>")
    elsewhere = [
        replace(p, wheels=tuple(replace(w, url="file:///nowhere/x.whl") for w in p.wheels))
        for p in lock.packages
    ]
    sources = Sources(find_links=(page.as_uri(),), offline=True)
    made = build(
        replace(lock, packages=tuple(elsewhere)), tmp_path / "root",
        sources=sources, installer=installer,
    )  # fmt: skip
    assert run(made, "import tool; print(tool.version)") == "1.0"
    assert (made.folder / "share" / "tool.txt").is_file()
    for script in ("tool", "hello"):
        printed = subprocess.check_output([made.folder / "bin" / script], text=True)
        assert printed == f"{script} 1.0\n"


def test_a_lock_for_another_platform_or_python_is_refused(tmp_path: Path) -> None:
    foreign = make_wheel(tmp_path, "foreign", tags="cp311-cp311-win_arm64")
    with pytest.raises(IncompatibleDependencies, match=r"foreign 1\.0 has no wheel"):
        build(lock_of(foreign), tmp_path / "root")
    with pytest.raises(IncompatibleDependencies, match="lock is for Python <3"):
        build(Lock((), requires_python="<3"), tmp_path / "root")


def test_the_best_wheel_of_several_is_taken(
    tmp_path: Path, python: interpreter.Interpreter
) -> None:
    special = next(tag for tag in python.tags if python.short_version.replace(".", "") in tag)
    plain = make_wheel(tmp_path, "both")
    best = make_wheel(tmp_path, "both", tags=special)
    package = LockedPackage("both", "1.0", (wheel_of(plain), wheel_of(best)))
    made = build(Lock((package,)), tmp_path / "root")
    record = json.loads((made.folder / environments.RECORD).read_text())
    assert record["wheels"] == [wheel_of(best).sha256]


def test_markers_decide_what_is_needed(tmp_path: Path) -> None:
    wheel = wheel_of(make_wheel(tmp_path, "extra"))
    never = LockedPackage("extra", "1.0", (wheel,), marker="sys_platform == 'win32'")
    always = LockedPackage("extra", "1.0", (wheel,), marker="sys_platform != 'win32'")
    assert build(Lock((never,)), tmp_path / "root").packages == ()
    assert build(Lock((always,)), tmp_path / "root").packages == (("extra", "1.0"),)


def test_requirements_are_resolved_once(shelf: Sources, tmp_path: Path) -> None:
    first = ensure(["old"], tmp_path / "root", sources=shelf)
    shutil.rmtree(shelf.folders()[0])
    steps: list[Step] = []
    again = ensure(["old"], tmp_path / "root", sources=shelf, progress=steps.append)
    assert again == first
    assert [step.phase for step in steps] == ["done"]


def test_many_builders_make_one_environment(shelf: Sources, tmp_path: Path) -> None:
    lock_file = tmp_path / "pylock.toml"
    lock_file.write_text(pylock.write(resolve(["old", "tool"], sources=shelf)))
    code = (
        "import sys; from pathlib import Path; from reprise.formats import pylock;"
        "from reprise.isolate.environments import build;"
        "print(build(pylock.read(Path(sys.argv[1]).read_text()), Path(sys.argv[2])).digest)"
    )
    command = [sys.executable, "-c", code, lock_file, tmp_path / "root"]
    builders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    digests = {builder.communicate()[0] for builder in builders}
    assert [builder.returncode for builder in builders] == [0] * 4
    assert len(digests) == 1
    assert leftovers(tmp_path / "root") == []


def test_a_killed_builder_leaves_nothing_that_counts(shelf: Sources, tmp_path: Path) -> None:
    lock = resolve(["old", "tool"], sources=shelf)
    lock_file, root = tmp_path / "pylock.toml", tmp_path / "root"
    lock_file.write_text(pylock.write(lock))
    code = (
        "import os, signal, sys; from pathlib import Path; from reprise.formats import pylock;"
        "from reprise.isolate.environments import build;"
        "stop = lambda step: step.phase == sys.argv[3] and os.kill(os.getpid(), signal.SIGKILL);"
        "build(pylock.read(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), progress=stop)"
    )
    for phase in ("unpack", "compile", "link"):
        command = [sys.executable, "-c", code, lock_file, root, phase]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    made = build(lock, root, sources=shelf)
    assert run(made, "import base, tool; print(base.version)") == "1.0"
    assert leftovers(root) == []


def test_usage_counts_shared_files_once(shelf: Sources, tmp_path: Path) -> None:
    root = tmp_path / "root"
    big = make_wheel(tmp_path, "big", files={"big/data.txt": "x" * 1_000_000})
    one = build(lock_of(big), root)
    two = build(lock_of(big, shelf.folders()[0] / "base-1.0-py3-none-any.whl"), root)
    found = {item.digest: item for item in housekeeping.usage(root)}
    assert set(found) == {one.digest, two.digest}
    assert min(item.size for item in found.values()) > 1_000_000
    assert max(item.own_size for item in found.values()) < 10_000
    assert housekeeping.total_size(root) < 1_100_000


def test_collecting_removes_what_nobody_used(shelf: Sources, tmp_path: Path) -> None:
    root = tmp_path / "root"
    old = build(resolve(["tool"], sources=shelf), root, sources=shelf)
    kept = build(resolve(["old"], sources=shelf), root, sources=shelf)
    month_ago = time.time() - 31 * 86_400
    os.utime(old.folder / environments.RECORD, (month_ago, month_ago))
    assert housekeeping.collect(root) == [old.digest]
    assert not old.folder.exists()
    assert run(kept, "import old; print(old.version)") == "1.0"
    assert len(list((root / "wheels").iterdir())) == 2


def test_a_lock_survives_writing_and_reading(shelf: Sources) -> None:
    lock = resolve(["old", "tool"], sources=shelf)
    assert pylock.read(pylock.write(lock)) == lock


def test_a_lock_follows_the_standard(shelf: Sources) -> None:
    standard = pytest.importorskip("packaging.pylock")
    import tomllib

    text = pylock.write(resolve(["old"], sources=shelf))
    parsed = standard.Pylock.from_dict(tomllib.loads(text))
    assert [str(package.name) for package in parsed.packages] == ["base", "old"]


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
VERSIONS = st.from_regex(r"[1-9][0-9]{0,3}(\.[0-9]{1,2}){0,2}(rc1)?", fullmatch=True)
MARKERS = st.sampled_from(['sys_platform == "linux"', 'python_version < "3.12"'])
NAMES = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            LockedPackage, NAMES, VERSIONS,
            st.lists(
                st.builds(
                    Wheel, NAMES.map("{}-1-py3-none-any.whl".format),
                    st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
                    NAMES.map("https://index.example/{}.whl".format), st.integers(0, 2**40),
                ),
                min_size=1, max_size=2,
            ).map(tuple),
            st.none() | MARKERS,
        ),
        max_size=3, unique_by=lambda package: package.name,
    ),
    TEXT,
)  # fmt: skip
def test_every_lock_survives_writing_and_reading(packages: list[LockedPackage], by: str) -> None:
    ordered = tuple(sorted(packages, key=lambda package: (package.name, package.version)))
    lock = Lock(ordered, created_by=by)
    assert pylock.read(pylock.write(lock)) == lock


@pytest.mark.parametrize(
    "text",
    ["", "x =", "lock-version = '2.0'\ncreated-by = 'x'", "lock-version = '1.0'",
     "lock-version = '1.0'\ncreated-by = 'x'\npackages = 3",
     "lock-version = '1.0'\ncreated-by = 'x'\n[[packages]]\nname = 'Bad Name'",
     "lock-version = '1.0'\ncreated-by = 'x'\n[[packages]]\nname = 'a'\nversion = '1'",
     ("lock-version = '1.0'\ncreated-by = 'x'\n[[packages]]\nname = 'a'\nversion = '1'\n"
      "wheels = [{name = '../a.whl', path = 'a.whl', hashes = {sha256 = 'ab'}}]")],
)  # fmt: skip
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(InvalidFormat):
        pylock.read(text)


def test_credentials_never_reach_a_lock() -> None:
    url = "https://user:secret@index.example/a-1-py3-none-any.whl#frag"
    assert pylock.without_credentials(url) == "https://index.example/a-1-py3-none-any.whl"


def leftovers(root: Path) -> list[str]:
    """List what a finished or failed build must not leave."""
    return [
        str(path.relative_to(root)) for path in root.rglob("*")
        if path.name.startswith((".staging", "download-", "install-"))
    ]  # fmt: skip
