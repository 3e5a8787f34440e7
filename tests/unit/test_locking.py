"""Locks of repos: made from every place that asks for packages, kept, explained when impossible."""

from pathlib import Path

import pytest

from reprise.base.errors import IncompatibleDependencies, InvalidInput, MissingExtra
from reprise.formats import pylock
from reprise.hub import locking
from reprise.hub.locking import LOCK, Locking
from reprise.hub.manifest import read_manifest
from reprise.hub.requirements import Wanted, limits, lines, wanted
from reprise.isolate import installers
from reprise.isolate.installers import Installer
from reprise.isolate.interpreter import find
from reprise.isolate.requirements import Sources
from tests.wheelhouse import make_wheel

FILES = {
    "hubconf.py": 'dependencies = ["base"]\nimport base\nfrom net import make\n',
    "net.py": 'import side\n\ndef make():\n    """Make it."""\n    import rare\n',
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    write(folder, FILES)
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    for version in ("1.0", "2.0"):
        make_wheel(folder, "base", version)
    make_wheel(folder, "side", "1.0", requires=["deep<2"])
    make_wheel(folder, "deep", "1.0")
    make_wheel(folder, "deep", "2.0")
    return folder


@pytest.fixture(params=["uv", "pip"])
def how(request: pytest.FixtureRequest, shelf: Path) -> Locking:
    chosen = uv() if request.param == "uv" else installers.choose(find(), "pip")
    return Locking(sources=Sources(find_links=(shelf,), offline=True), installer=chosen)


def uv() -> Installer:
    try:
        return installers.choose(find(), "uv")
    except MissingExtra:
        pytest.skip("uv is not installed")


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def asked(folder: Path) -> tuple[Wanted, ...]:
    return wanted(folder, read_manifest(folder))


def test_every_place_that_asks_is_named(repo: Path) -> None:
    write(repo, {
        "requirements.txt": "# versions\nside>=1\ndeep<2\nunused\n",
        "README.md": "---\nrequirements:\n- base<2\n- extra==3\n---\n",
    })  # fmt: skip
    assert asked(repo) == (
        Wanted("base", "`dependencies` in hubconf.py"),
        Wanted("base", "hubconf.py:2 imports base"),
        Wanted("side", "net.py:1 imports side"),
        Wanted("side>=1", "requirements.txt:2"),
        Wanted("deep<2", "requirements.txt:3", needed=False),
        Wanted("base<2", "`requirements` in README.md"),
        Wanted("extra==3", "`requirements` in README.md"),
    )
    assert lines(asked(repo)) == ("base", "base<2", "extra==3", "side", "side>=1")
    assert limits(asked(repo)) == ("deep<2",)


def test_import_names_become_distributions_and_the_standard_library_is_left_out(
    repo: Path,
) -> None:
    write(repo, {"hubconf.py": 'dependencies = ["math", "cv2", "hydra"]\nimport yaml, PIL\n'})
    assert lines(asked(repo)) == ("hydra-core", "opencv-python", "pillow", "pyyaml")


def test_a_lock_holds_versions_and_hashes_and_no_path_of_this_machine(
    repo: Path, shelf: Path, how: Locking
) -> None:
    write(repo, {"README.md": "---\nrequirements: base<2\n---\n"})
    made = locking.write_lock(repo, read_manifest(repo), how)
    text = (repo / LOCK).read_text()
    assert locking.read_lock(repo) == made == pylock.read(text)
    assert [(it.name, it.version) for it in made.packages] == [
        ("base", "1.0"), ("deep", "1.0"), ("side", "1.0")]  # fmt: skip
    assert str(shelf) not in text
    sign = {"uv": f">={find().short_version}", "pip": f"=={find().short_version}.*"}
    assert made.requires_python == sign[how.installer.kind]


def test_a_lock_made_by_uv_is_for_other_systems_too(repo: Path, shelf: Path) -> None:
    how = Locking(sources=Sources(find_links=(shelf,), offline=True), installer=uv())
    make_wheel(shelf, "base", "3.0", tags="cp311-cp311-manylinux_2_17_x86_64")
    make_wheel(shelf, "base", "3.0", tags="cp311-cp311-macosx_11_0_arm64")
    made = locking.write_lock(repo, read_manifest(repo), how)
    found = next(it for it in made.packages if it.name == "base")
    assert [wheel.filename for wheel in found.wheels] == [
        "base-3.0-cp311-cp311-macosx_11_0_arm64.whl",
        "base-3.0-cp311-cp311-manylinux_2_17_x86_64.whl",
    ]


def test_pins_of_packages_that_nobody_imports_limit_what_others_bring_in(
    repo: Path, shelf: Path, how: Locking
) -> None:
    make_wheel(shelf, "side", "2.0", requires=["deep"])
    write(repo, {"requirements.txt": "deep<2\nunused==9\n"})
    made = locking.write_lock(repo, read_manifest(repo), how)
    assert [(it.name, it.version) for it in made.packages] == [
        ("base", "2.0"), ("deep", "1.0"), ("side", "2.0")]  # fmt: skip


def test_a_lock_that_is_there_is_changed_only_when_asked(repo: Path, how: Locking) -> None:
    manifest = read_manifest(repo)
    write(repo, {LOCK: 'lock-version = "1.0"\ncreated-by = "me"\n'})
    assert locking.write_lock(repo, manifest, how) is None
    assert (repo / LOCK).read_text() == 'lock-version = "1.0"\ncreated-by = "me"\n'
    again = Locking(again=True, sources=how.sources, installer=how.installer)
    assert locking.write_lock(repo, manifest, again) == locking.read_lock(repo)


def test_code_without_packages_gets_no_lock(repo: Path, how: Locking) -> None:
    write(repo, {"hubconf.py": "def make():\n    pass\n"})
    assert locking.write_lock(repo, read_manifest(repo), how) is None
    assert not (repo / LOCK).exists()


def test_a_conflict_names_the_places_that_disagree(repo: Path, how: Locking) -> None:
    write(repo, {
        "requirements.txt": "base==1.0\nside\n",
        "README.md": "---\nrequirements: base>=2\n---\n",
    })  # fmt: skip
    with pytest.raises(IncompatibleDependencies) as caught:
        locking.write_lock(repo, read_manifest(repo), how)
    shown = caught.value.hint.partition("What is asked for, and where:\n")[2].splitlines()
    assert shown[:3] == [
        "  base: `dependencies` in hubconf.py, hubconf.py:2 imports base",
        "  base==1.0: requirements.txt:1",
        "  base>=2.0: `requirements` in README.md".replace("2.0", "2"),
    ]
    assert "--no-lock" in caught.value.hint
    assert not (repo / LOCK).exists()


def test_a_conflict_deep_inside_names_who_brings_it_in(repo: Path, how: Locking) -> None:
    write(repo, {"README.md": "---\nrequirements: deep==2.0\n---\n"})
    with pytest.raises(IncompatibleDependencies) as caught:
        locking.write_lock(repo, read_manifest(repo), how)
    hint = caught.value.hint
    assert "deep==2.0: `requirements` in README.md" in hint
    assert "side: net.py:1 imports side" in hint
    assert "deep<2" in hint


def test_what_cannot_be_locked_names_its_place(repo: Path, how: Locking) -> None:
    write(repo, {"requirements.txt": "\nbase @ https://example.org/base-1.0.zip\n"})
    with pytest.raises(InvalidInput, match="from an address") as caught:
        locking.write_lock(repo, read_manifest(repo), how)
    assert "comes from requirements.txt:2." in caught.value.hint


def test_an_unreachable_index_leaves_the_folder_as_it_was(
    repo: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_RETRIES", "1")
    alone = Locking(
        sources=Sources(index="http://127.0.0.1:9/simple"),
        installer=installers.choose(find(), "pip"),
    )
    with caplog.at_level("WARNING", "reprise.hub"):
        assert locking.write_lock(repo, read_manifest(repo), alone) is None
    said = "The package index did not answer. No pylock.toml was written; publish again to add it."
    assert said in caplog.text
    assert not (repo / LOCK).exists()


def test_an_environment_is_built_from_the_lock(repo: Path, how: Locking, tmp_path: Path) -> None:
    write(repo, {"README.md": "---\nrequirements: base<2\n---\n"})
    manifest = read_manifest(repo)
    locking.write_lock(repo, manifest, how)
    (repo / "README.md").unlink()  # what is asked for now does not matter
    made = locking.environment(repo, manifest, how, root=tmp_path / "environments")
    assert made.packages == (("base", "1.0"), ("deep", "1.0"), ("side", "1.0"))


def test_a_lock_for_another_python_still_chooses_the_versions(
    repo: Path, how: Locking, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(repo, {"README.md": "---\nrequirements: base<2\n---\n"})
    manifest = read_manifest(repo)
    locking.write_lock(repo, manifest, how)
    (repo / "README.md").unlink()
    text = (repo / LOCK).read_text().replace(locking.read_lock(repo).requires_python, "==2.7.*")
    (repo / LOCK).write_text(text)
    made = locking.environment(repo, manifest, how, root=tmp_path / "environments")
    assert dict(made.packages)["base"] == "1.0"
    assert "Choosing wheels again, of the same versions." in caplog.text


def test_a_lock_that_lacks_something_says_who_asks(repo: Path, how: Locking) -> None:
    made = locking.write_lock(repo, read_manifest(repo), how)
    write(repo, {"requirements.txt": "base<2\n", "net.py": "import side\nimport new\n"})
    assert list(locking.lacking(made, asked(repo))) == [
        "lacks new, but net.py:2 imports new",
        "has base 2.0, but requirements.txt:1 asks for base<2",
    ]
