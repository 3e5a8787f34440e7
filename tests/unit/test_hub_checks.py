import pickle
import zipfile
from pathlib import Path

import pytest

from reprise.base.ids import RepoType
from reprise.hub.checks import check_folder
from reprise.hub.folder import collect

CARD = "---\nlicense: mit\n---\n# Net\n"
HUBCONF = "dependencies = []\n\n\ndef net():\n    'Make it.'\n"


def findings(root: Path, repo_type: RepoType = RepoType.MODEL) -> list[str]:
    found = check_folder(root, collect(root), repo_type)
    return [f"{finding.severity} {finding}" for finding in found]


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(CARD)
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    return tmp_path


def test_a_good_folder_has_no_findings(net: Path) -> None:
    assert findings(net) == []


def test_a_missing_card_is_a_warning_except_for_spaces(net: Path) -> None:
    (net / "README.md").unlink()
    said = "README.md: is missing, so people will not know what this is"
    assert findings(net) == [f"warning {said}"]
    assert findings(net, RepoType.SPACE) == [f"error {said}"]


def test_a_wrong_card_is_an_error_with_its_line(net: Path) -> None:
    (net / "README.md").write_text("---\ntags: [a]\nlicense: gpl-17\n---\n")
    assert [text[:52] for text in findings(net)] == [
        'error README.md:3: "license" must be one of [apache-'
    ]


@pytest.mark.parametrize(
    ("content", "start"),
    [
        (b"\xff\xfe", "error README.md: is not UTF-8: invalid start byte at byte 0"),
        (b"---\n: : [\n---\n", "error README.md: The metadata cannot be read: "),
        (b"#" * (2 << 20), "error README.md: is larger than 1048576 bytes"),
        (b"# Net\n", "warning README.md: empty or missing yaml metadata"),
    ],
)
def test_a_card_that_cannot_be_read_is_named(net: Path, content: bytes, start: str) -> None:
    (net / "README.md").write_bytes(content)
    assert [text[: len(start)] for text in findings(net)] == [start]


def test_a_lock_is_compared_with_what_the_code_needs(net: Path) -> None:
    (net / "hubconf.py").write_text(f"import base\n{HUBCONF}")
    (net / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "me"\n')
    said = "pylock.toml: lacks base, but hubconf.py:1 imports base; lock again with --relock"
    assert f"warning {said}" in findings(net)
    (net / "pylock.toml").write_text("{")
    assert findings(net)[0].startswith("error pylock.toml: cannot be read: pylock.toml is not TOML")


def test_a_hubconf_that_offers_nothing_is_an_error(net: Path) -> None:
    (net / "hubconf.py").write_text("import os\n\ndef _private():\n    pass\n")
    assert findings(net) == ["error hubconf.py: offers no entry points: define a public function"]


def test_an_entry_point_without_docstring_is_a_warning_with_its_line(net: Path) -> None:
    (net / "hubconf.py").write_text("dependencies = []\ndef net():\n    return 1\n")
    assert findings(net) == [
        "warning hubconf.py:2: entry point 'net' has no docstring for `reprise help`"
    ]


def test_pickles_are_told_from_other_files_by_their_bytes(net: Path) -> None:
    (net / "old.pth").write_bytes(pickle.dumps({"a": 1}))
    with zipfile.ZipFile(net / "new.pt", "w") as archive:
        archive.writestr("new/data.pkl", b"x")
    (net / "raw.bin").write_bytes(b"\0" * 100)
    (net / "model.safetensors").write_bytes(b"\x80\x04")
    said = "is a pickle, which can run any code when it is loaded; publish safetensors instead"
    assert findings(net) == [f"warning new.pt: {said}", f"warning old.pth: {said}"]


def test_secrets_stop_a_publication(net: Path) -> None:
    (net / ".env").write_text("X=1")
    (net / "train.py").write_text("import os\nTOKEN = 'hf_" + "a" * 34 + "'\n")
    assert findings(net) == [
        "error .env: usually holds secrets; list it in .gitignore",
        "error train.py:2: holds what looks like a secret (hf_aaa…)",
    ]
    (net / ".gitignore").write_text(".env\ntrain.py\n")
    assert findings(net) == []
