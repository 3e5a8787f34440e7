"""Addresses of weights, flags, and manifests as JSON."""

import json
from pathlib import Path

import pytest

from reprise.base.digests import canonical_json
from reprise.base.errors import InvalidFormat
from reprise.hub.manifest import FLAGS, Manifest, from_json, read_manifest, to_json

REPOS = Path(__file__).parents[1] / "hubconf_repos"


def read(folder: Path, hubconf: str) -> Manifest:
    (folder / "hubconf.py").write_text(hubconf)
    return read_manifest(folder)


def test_addresses_are_found_with_the_state_of_their_hashes() -> None:
    found = read_manifest(REPOS / "remote_weights").weight_urls
    assert [(u.url, u.file, u.line, u.hash_prefix, u.state) for u in found] == [
        ("https://example.org/download/model-2019", "hubconf.py", 31, None, "none"),
        ("https://example.org/releases/v1/large.pth", "hubconf.py", 10, None, "none"),
        (
            "https://example.org/releases/v1/small-5c106cde.pth",
            "hubconf.py",
            9,
            "5c106cde",
            "named",
        ),
        (
            "https://example.org/releases/v2/net-0123456789abcdef.pt",
            "verified.py",
            5,
            "0123456789abcdef",
            "checked",
        ),
    ]


def test_addresses_that_are_only_computed_are_announced() -> None:
    assert "computed-weight-urls" in read_manifest(REPOS / "remote_weights").flags


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("resnet18-f37072fd.pth", "f37072fd"),
        ("net-1.0-0123abcd.pth", "0123abcd"),
        ("net-1.0.pth", None),
        ("net-abc.pth", None),  # too short to be a hash
        ("net-0123ABCD.pth", None),
        ("net-0123abcd", None),
        ("a-00000000.b-11111111.pth", "11111111"),
    ],
)
def test_hashes_in_names_are_recognized(tmp_path: Path, name: str, prefix: str | None) -> None:
    text = f"def f():\n    load_state_dict_from_url('https://x.org/{name}')\n"
    (found,) = read(tmp_path, text).weight_urls
    assert found.hash_prefix == prefix


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ('"""See https://x.org/a.pth"""\n', []),
        ("# https://x.org/a.pth\n", []),
        ("A = 'https://x.org/index.html'\n", []),
        ("A = 'https://x.org/a.pth?download=1'\n", ["https://x.org/a.pth?download=1"]),
        ("A = 'https://x.org/a b.pth'\n", []),
        ("A = ('https://x.org/'\n     'a.pth')\n", ["https://x.org/a.pth"]),
        ("A = 's3://bucket/a.ckpt'\n", ["s3://bucket/a.ckpt"]),
        ("A = 'https://[broken/a.pth'\n", []),
        ("B = 'https://x.org'\nA = '%s/a.pth' % B\n", []),
        ("B = 'https://x.org'\ndef f():\n    return B + '/a.pth'\n", ["https://x.org/a.pth"]),
        ("B = 'https://x.org'\nA = f'{B}/a.pth'\n", ["https://x.org/a.pth"]),
        ("if __name__ == '__main__':\n    A = 'https://x.org/a.pth'\n", []),
    ],
)
def test_texts_are_judged(tmp_path: Path, text: str, urls: list[str]) -> None:
    assert [item.url for item in read(tmp_path, text).weight_urls] == urls


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("import sys\nsys.path.append('x')\n", "path-edits"),
        ("import torch\ndef f():\n    return torch.hub.load('a/b', 'c')\n", "nested-loads"),
        ("def f():\n    exec('1')\n", "executes-text"),
        ("import os\nos.system('ls')\n", "starts-processes"),
    ],
)
def test_flags_tell_what_the_code_does(tmp_path: Path, text: str, flag: str) -> None:
    assert flag in read(tmp_path, text).flags


@pytest.mark.parametrize("repo", sorted(path.parent.name for path in REPOS.glob("*/hubconf.py")))
def test_manifests_survive_json(repo: str) -> None:
    manifest = read_manifest(REPOS / repo)
    encoded = canonical_json(to_json(manifest))
    assert from_json(json.loads(encoded)) == manifest
    assert set(manifest.flags) <= set(FLAGS)


@pytest.mark.parametrize("repo", ["registry", "undeclared", "path_edits"])
def test_manifests_do_not_depend_on_the_place(tmp_path: Path, repo: str) -> None:
    import shutil

    shutil.copytree(REPOS / repo, tmp_path / "elsewhere")
    assert read_manifest(tmp_path / "elsewhere") == read_manifest(REPOS / repo)


GOOD = to_json(read_manifest(REPOS / "registry"))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {**GOOD, "version": 2},
        {**GOOD, "entry_points": None},
        {**GOOD, "entry_points": [3]},
        {**GOOD, "entry_points": [{"name": "x"}]},
        {**GOOD, "entry_points": [{**GOOD["entry_points"][0], "kind": "spell"}]},
        {**GOOD, "entry_points": [{**GOOD["entry_points"][0], "line": "1"}]},
        {**GOOD, "entry_points": [{**GOOD["entry_points"][0], "own": 1}]},
        {**GOOD, "entry_points": [{**GOOD["entry_points"][0], "decorators": "x"}]},
        {**GOOD, "flags": [1]},
    ],
)
def test_json_that_is_no_manifest_is_refused(value: object) -> None:
    with pytest.raises(InvalidFormat):
        from_json(value)


def test_keys_of_later_versions_are_passed_over() -> None:
    first = {**GOOD["entry_points"][0], "stars": 3}
    later = {**GOOD, "entry_points": [first, *GOOD["entry_points"][1:]], "more": {}}
    assert to_json(from_json(later)) == GOOD
