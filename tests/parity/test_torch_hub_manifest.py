"""What manifests and namespaces say about the example repos, held against torch.hub itself.

torch.hub runs in a process of its own for every repo: it leaves its modules behind.
"""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reprise.hub.manifest import find, names, read_manifest
from reprise.hub.namespace import entry_point, folder_key

pytest.importorskip("torch")

REPOS = Path(__file__).parents[1] / "hubconf_repos"
NAMES = sorted(path.parent.name for path in REPOS.glob("*/hubconf.py"))
# The repo is in the cache already, as far as torch.hub can tell: no network.
ASK = """
import inspect, json, sys, warnings
warnings.simplefilter("ignore")
import torch.hub
folder, calls = sys.argv[1], json.loads(sys.argv[2])
torch.hub._get_cache_or_reload = lambda *args, **options: folder

def parameters(entry):
    try:
        found = inspect.signature(entry).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, p.kind.name, p.default is not p.empty] for p in found]

with torch.hub._add_to_sys_path(folder):
    module = torch.hub._import_module("hubconf.py", folder + "/hubconf.py")
listed = torch.hub.list("owner/name", verbose=False)
print(json.dumps({
    "list": listed,
    "help": {name: torch.hub.help("owner/name", name) for name in listed},
    "parameters": {name: parameters(getattr(module, name)) for name in listed},
    "load": [repr(torch.hub.load(folder, name, *args, source="local")) for name, args in calls],
}))
"""
# Where the source says something more useful than the running code does.
OTHER_DOCS = {
    "classes_instances": {"double", "shifted"},  # a partial answers with the text of partial
    "decorated": {"hidden", "configured"},  # lost without functools.wraps
    "loop_globals": {"lite_b0", "lite_b1", "lite_b2"},
}
OTHER_PARAMETERS = {"decorated": {"hidden"}}  # `*args, **kwargs` when it runs
LOADS: dict[str, list[tuple[str, list[Any]]]] = {
    "classes_instances": [("double", [4]), ("tiny", [5]), ("square", [3])],
    "decorated": [("kept", [True]), ("configured", [True]), ("stacked", [1])],
    "library_folders": [("net", [])],
    "loop_globals": [("net_b1", []), ("lite_b2", []), ("size_two", [])],
    "path_edits": [("net", []), ("late", [])],
    "registry": [("res18", [True]), ("vgg", [19])],
    "relative_imports": [("pair", [])],
    "star_imports": [("beta", [7])],
    "undeclared": [("net", [])],
}


@cache
def torch_hub(repo: str) -> dict[str, Any]:
    """Ask torch.hub about a repo."""
    calls = json.dumps(LOADS.get(repo, []))
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(REPOS / repo), calls],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def parameters(signature: str | None) -> list[list[object]] | None:
    """Return name, kind and presence of a default for each parameter of a written signature."""
    if signature is None:
        return None
    text = signature.replace("<factory>", "None")
    (function,) = ast.parse(f"def f{text}: pass").body
    assert isinstance(function, ast.FunctionDef)
    spec = function.args
    plain = [*spec.posonlyargs, *spec.args]
    first = len(plain) - len(spec.defaults)
    found: list[list[object]] = [
        [arg.arg, "POSITIONAL_OR_KEYWORD", place >= first] for place, arg in enumerate(plain)
    ]
    if spec.vararg:
        found.append([spec.vararg.arg, "VAR_POSITIONAL", False])
    for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        found.append([arg.arg, "KEYWORD_ONLY", default is not None])
    if spec.kwarg:
        found.append([spec.kwarg.arg, "VAR_KEYWORD", False])
    return found


@pytest.mark.exhaustive
@pytest.mark.parametrize("repo", NAMES)
def test_the_classic_list_is_torch_hubs(repo: str) -> None:
    assert list(names(read_manifest(REPOS / repo), classic=True)) == torch_hub(repo)["list"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("repo", NAMES)
def test_texts_are_torch_hubs(repo: str) -> None:
    manifest = read_manifest(REPOS / repo)
    own = set(names(manifest)) - OTHER_DOCS.get(repo, set())
    ours = {entry.name: entry.doc for entry in manifest.entry_points if entry.name in own}
    assert ours == {name: text for name, text in torch_hub(repo)["help"].items() if name in own}


@pytest.mark.parametrize("repo", NAMES)
def test_parameters_are_those_of_the_running_code(repo: str) -> None:
    manifest = read_manifest(REPOS / repo)
    for name in set(names(manifest)) - OTHER_PARAMETERS.get(repo, set()):
        entry = find(manifest, name)
        assert entry is not None
        assert parameters(entry.signature) == torch_hub(repo)["parameters"][name], name


@pytest.mark.parametrize("repo", sorted(LOADS))
def test_entry_points_give_what_torch_hub_gives(repo: str) -> None:
    folder = REPOS / repo
    ours = [
        repr(entry_point(folder, folder_key(folder), name)(*args)) for name, args in LOADS[repo]
    ]
    assert ours == torch_hub(repo)["load"]
