"""Dependencies: declared, inferred, pinned, missing."""

import shlex
from pathlib import Path

import pytest

from reprise.hub.manifest import (
    Dependency,
    Manifest,
    install_command,
    missing,
    read_manifest,
)

REPOS = Path(__file__).parents[1] / "hubconf_repos"


def read(folder: Path, files: dict[str, str]) -> Manifest:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_manifest(folder)


def brief(manifest: Manifest) -> list[tuple[str, str, str]]:
    """Import name, installer's name with versions, and D(eclared) I(nferred) O(ptional)."""
    return [
        (
            item.import_name,
            item.distribution + item.specifier,
            "".join(
                letter
                for letter, holds in zip(
                    "DIO", (item.declared, item.inferred, item.optional), strict=True
                )
                if holds
            ),
        )
        for item in manifest.dependencies
    ]


def test_declared_inferred_and_pinned_packages_are_merged() -> None:
    assert brief(read_manifest(REPOS / "undeclared")) == [
        ("cv2", "opencv-python==4.9.0.80", "IO"),
        ("hydra", "hydra-core==1.3.2", "O"),
        ("plan9_images", "plan9_images", "IO"),
        ("pytest", "pytest>=7", "O"),
        ("rich", "rich>=13", "O"),
        ("skimage", "scikit-image>=0.20", "IO"),
        ("sklearn", "scikit-learn", "IO"),
        ("tensorboard", "tensorboard", "O"),
        ("torch", "torch==1.7.*", "O"),
        ("yaml", "PyYAML>=5.3", "I"),
    ]


def test_places_of_imports_are_named() -> None:
    found = {
        item.import_name: item.where for item in read_manifest(REPOS / "undeclared").dependencies
    }
    assert found["skimage"] == ("hubconf.py:25",)
    assert found["plan9_images"] == ("readers/images.py:5",)
    assert found["tensorboard"] == ("requirements.txt:5",)


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("cv2", "opencv-python"),
        ("yaml", "pyyaml"),
        ("PIL", "pillow"),
        ("sklearn", "scikit-learn"),
        ("hydra", "hydra-core"),
        ("skimage", "scikit-image"),
        ("Crypto", "pycryptodome"),
        ("bs4", "beautifulsoup4"),
        ("timm", "timm"),
        ("huggingface_hub", "huggingface-hub"),
        ("_pytest", "pytest"),  # known from this environment
        ("never_heard_of", "never_heard_of"),
    ],
)
def test_import_names_become_distributions(tmp_path: Path, name: str, distribution: str) -> None:
    manifest = read(tmp_path, {"hubconf.py": f"import {name}\n"})
    assert [item.distribution for item in manifest.dependencies] == [distribution]


def test_distribution_names_in_the_declared_list_are_understood(tmp_path: Path) -> None:
    hubconf = "dependencies = ['opencv-python', 'hydra-core', 'PyYAML', 'pillow', 'math', 'os']\n"
    manifest = read(tmp_path, {"hubconf.py": hubconf})
    assert [item.import_name for item in manifest.dependencies] == ["PIL", "cv2", "hydra", "yaml"]


def test_the_standard_library_and_the_repo_itself_are_no_dependencies(tmp_path: Path) -> None:
    hubconf = (
        "from __future__ import annotations\nimport json, distutils, typing, nets\n"
        "from . import sibling\ndef net():\n    import nets.inner, asyncio\n"
    )
    files = {"hubconf.py": hubconf, "nets/__init__.py": "", "nets/inner.py": "import imp\n"}
    assert read(tmp_path, files).dependencies == ()


def test_what_a_needed_module_needs_is_needed(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "import first\ndef net():\n    import late\n",
            "first.py": "import timm\ntry:\n    import xformers\nexcept ImportError: pass\n",
            "late.py": "import einops, shared_dep_module\nimport first\n",
            "shared_dep_module.py": "import scipy\n",
            "never.py": "import pandas\n",
        },
    )
    assert brief(manifest) == [
        ("einops", "einops", "IO"),
        ("scipy", "scipy", "IO"),
        ("timm", "timm", "I"),
        ("xformers", "xformers", "IO"),
    ]


def test_a_module_reached_both_ways_is_needed(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "def net():\n    import shared\nimport one\n",
            "one.py": "import shared\n",
            "shared.py": "import timm\n",
        },
    )
    assert brief(manifest) == [("timm", "timm", "I")]


def test_imports_by_call_count(tmp_path: Path) -> None:
    hubconf = "import importlib\nx = importlib.import_module('timm.models')\n__import__('einops')\n"
    assert brief(read(tmp_path, {"hubconf.py": hubconf})) == [
        ("einops", "einops", "IO"),
        ("timm", "timm", "IO"),
    ]


def test_requirements_that_do_not_parse_are_passed_over(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        {
            "hubconf.py": "import yaml, timm, torch\n",
            "requirements.txt": "???\ntimm @ https://example.org/timm.zip\n"
            "-r ../out.txt\n-r requirements.txt\n",
            "environment.yml": "dependencies: [pytorch>=1.9, {pip: 3}, 7, "
            "'conda-forge::pyyaml=6.0.1=py3']\n",
            "pyproject.toml": "= broken",
        },
    )
    assert brief(manifest) == [
        ("timm", "timm @ https://example.org/timm.zip", "I"),
        ("torch", "torch>=1.9", "I"),
        ("yaml", "pyyaml==6.0.1.*", "I"),
    ]


def test_missing_packages_are_named_together_with_one_command(tmp_path: Path) -> None:
    hubconf = (
        "dependencies = ['absent_one']\nimport absent_two, yaml\n"
        "def net():\n    import absent_three\n"
    )
    requirements = {"requirements.txt": "absent-two>=2; extra != 'x'\n"}
    manifest = read(tmp_path, {"hubconf.py": hubconf, **requirements})
    needed = missing(manifest)
    assert [item.import_name for item in needed] == ["absent_one", "absent_two"]
    assert install_command(needed) == "pip install 'absent-two>=2' absent_one"
    every = missing(manifest, optional=True)
    assert [item.import_name for item in every] == ["absent_one", "absent_three", "absent_two"]


def test_nothing_missing_needs_no_command() -> None:
    assert install_command(()) == ""


def test_a_command_cannot_be_made_to_run_something_else() -> None:
    evil = Dependency("x", "x; rm -rf ~", True, False, False, ())
    assert shlex.split(install_command([evil])) == ["pip", "install", "x; rm -rf ~"]


def test_looking_for_packages_imports_nothing(tmp_path: Path) -> None:
    import sys

    manifest = read(tmp_path, {"hubconf.py": "import wave, this\n"})
    dependency = Dependency("antigravity", "antigravity", True, False, False, ())
    assert missing(Manifest(dependencies=(dependency, *manifest.dependencies))) == ()
    assert "antigravity" not in sys.modules


def test_a_folder_that_happens_to_lie_here_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wandb").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    dependency = Dependency("wandb", "wandb", True, False, False, ())
    assert missing(Manifest(dependencies=(dependency,))) == (dependency,)
