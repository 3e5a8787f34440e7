"""Locks and requirements of repos that try to reach further than packages of an index."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.base.errors import InvalidFormat, InvalidInput, RepriseError
from reprise.hub import locking
from reprise.hub.locking import LOCK, Locking
from reprise.hub.manifest import read_manifest
from reprise.isolate.requirements import Sources
from tests.scripted_files import ScriptedFiles
from tests.wheelhouse import make_wheel, wheel_of

HEAD = 'lock-version = "1.0"\ncreated-by = "me"\n'


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text("import base\n\n\ndef net():\n    pass\n")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ScriptedFiles]:
    wheel = make_wheel(tmp_path / "site", "base", "1.0")
    with ScriptedFiles({f"/{wheel.name}": wheel.read_bytes()}) as found:
        yield found


def build(repo: Path, tmp_path: Path) -> object:
    how = Locking(sources=Sources(find_links=(tmp_path / "shelf",), offline=True))
    (tmp_path / "shelf").mkdir(exist_ok=True)
    return locking.environment(repo, read_manifest(repo), how, root=tmp_path / "environments")


@pytest.mark.parametrize("line", [
    "--index-url http://127.0.0.1:9/simple", "-e .", "-r /etc/passwd", "base; import os",
    "base @ file:///etc/passwd", "git+https://example.org/base", "./base", "base\n--pre",
])  # fmt: skip
def test_a_card_can_only_name_packages(repo: Path, line: str) -> None:
    (repo / "README.md").write_text(f"---\nrequirements:\n- {line!r}\n---\n")
    with pytest.raises(InvalidInput) as caught:
        locking.write_lock(repo, read_manifest(repo), Locking(sources=Sources(offline=True)))
    assert "comes from `requirements` in README.md" in caught.value.hint
    assert not (repo / LOCK).exists()


@pytest.mark.parametrize("text", [
    "[", "x = 1", HEAD + "packages = 1", HEAD + 'requires-python = "nonsense"',
    HEAD + '[[packages]]\nname = "../x"\nversion = "1"\narchive = {}',
    HEAD + '[[packages]]\nname = "x"\nversion = "one"\narchive = {}',
    HEAD + '[[packages]]\nname = "x"\nversion = "1"\nmarker = "os.system(1)"\narchive = {}',
    HEAD + '[[packages]]\nname = "x"\nversion = "1"\nwheels = [{name = "../x-1-py3-none-any.whl", '
    'hashes = {sha256 = "' + "0" * 64 + '"}}]',
], ids=range(8))  # fmt: skip
def test_a_malformed_lock_is_refused_with_a_reason(repo: Path, tmp_path: Path, text: str) -> None:
    (repo / LOCK).write_text(text)
    with pytest.raises(InvalidFormat, match=r"pylock\.toml"):
        build(repo, tmp_path)


def test_a_lock_makes_this_machine_ask_no_address_of_its_choice(
    repo: Path, tmp_path: Path, site: ScriptedFiles
) -> None:
    wheel = wheel_of(tmp_path / "site" / "base-1.0-py3-none-any.whl")
    urls = (f"{site.url}/{wheel.filename}", (tmp_path / "site" / wheel.filename).as_uri())
    for url in urls:
        (repo / LOCK).write_text(
            f'{HEAD}[[packages]]\nname = "base"\nversion = "1.0"\n[[packages.wheels]]\n'
            f'name = "{wheel.filename}"\nurl = "{url}"\nhashes = {{sha256 = "{wheel.sha256}"}}\n'
        )
        with pytest.raises(RepriseError, match="base"):
            build(repo, tmp_path)
    assert site.log == []
