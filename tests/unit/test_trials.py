"""Checks that run a repo's code: in workers, every outcome a result with its reason."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput
from reprise.hub.isolated import Isolation
from reprise.hub.locking import Locking, write_lock
from reprise.hub.manifest import read_manifest
from reprise.hub.trials.records import NAMES, Report, Trial
from reprise.hub.trials.running import check_repo
from reprise.hub.trials.setting import How
from reprise.isolate.limits import Level
from reprise.isolate.requirements import Sources
from tests.sandboxes import skip_unless_available
from tests.wheelhouse import make_wheel

HUBCONF = '''\
import base

dependencies = ["base"]


def net(size: int = 2):
    """Make a net."""
    return _Net(size)


def labels():
    """List the labels."""
    return ["a", "b"]


class _Net:
    def __init__(self, size):
        self.size = size

    def __call__(self, numbers):
        return [number * self.size / 3 for number in numbers]
'''
CARD = """\
---
license: mit
checks:
  net: {calls: [{args: [[1, 2]]}]}
---
# Net

```python
import reprise
model = reprise.load("ada/net", "net", trust_repo=True)
```

```python
>>> model([3])
[2.0]
```
"""
FILES = {"hubconf.py": HUBCONF, "README.md": CARD.replace("ada/net", ".")}
Check = Callable[..., Report]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    make_wheel(tmp_path / "shelf", "base", "1.0")
    make_wheel(tmp_path / "shelf", "plot", "1.0")
    return Sources(find_links=(tmp_path / "shelf",), offline=True)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def check(repo: Path, sources: Sources, root: Path, client_home: Path) -> Check:
    del client_home
    skip_unless_available(Level.RULES)

    def run(**changes: object) -> Report:
        isolation = Isolation(sources=sources, root=root, call_seconds=60)
        return check_repo(str(repo), How(isolation=isolation, **changes))  # type: ignore[arg-type]

    return run


def write(repo: Path, **changes: tuple[str, str]) -> None:
    for name, (old, new) in changes.items():
        path = repo / {"card": "README.md", "code": "hubconf.py"}[name]
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


def of(report: Report, name: str) -> tuple[str, str]:
    found = next(it for it in report.trials if it.name == name)
    return found.outcome, found.reason


def test_a_good_repo_passes_what_it_offers_and_says_the_rest(repo, check, sources) -> None:
    write_lock(repo, read_manifest(repo), Locking(sources=sources))
    report = check()
    assert [it.name for it in report.trials] == list(NAMES)
    assert {it.name: (it.outcome, it.reason) for it in report.trials} == {
        "links-alive": ("passed", "the card has no addresses of other sites"),
        "weight-urls-alive": ("passed", "the code names no addresses of weights"),
        "installs": ("passed", "1 packages of pylock.toml were installed with its hashes"),
        "loads": ("passed", "2 of 2 were made"),
        "calls": ("passed", "net gives list of 2: float"),
        "weights-load": ("not-run", "there are no files of weights"),
        "example-runs": ("passed", "2 blocks ran as written"),
        "fingerprint": ("passed", "2 entry points gave the same in two processes"),
    }
    assert report.environment["packages"] == {"base": "1.0"}
    assert (report.commit, report.failed) == (None, [])


def test_without_a_lock_versions_are_chosen_and_that_is_said(check) -> None:
    outcome, reason = of(check(), "installs")
    assert (outcome, reason[:24]) == ("passed", "there is no pylock.toml;")


def test_a_lock_that_lacks_something_fails(repo, check, sources) -> None:
    write_lock(repo, read_manifest(repo), Locking(sources=sources))
    write(repo, code=("import base\n", "import base\nimport plot\n"))
    assert of(check(), "installs") == (
        "failed", "pylock.toml lacks plot, but hubconf.py:2 imports plot")  # fmt: skip


def test_packages_that_clash_leave_the_rest_not_run(repo, check) -> None:
    (repo / "requirements.txt").write_text("base==9\n")
    report = check()
    outcome, reason = of(report, "installs")
    assert outcome == "failed"
    assert "base==9: requirements.txt:1" in reason
    assert of(report, "loads") == ("not-run", "there is no environment: see installs")
    assert report.environment == {}


def test_a_failure_names_the_entry_point_and_the_line(repo, check) -> None:
    write(repo, code=('    return ["a", "b"]', '    raise KeyError("gone")'))
    report = check()
    assert of(report, "loads") == ("failed", "labels: hubconf.py:13: KeyError: 'gone'")
    assert report.failed == ["loads"]


def test_code_that_ends_its_process_is_a_failure(repo, check) -> None:
    write(repo, code=('    return ["a", "b"]', "    import os\n    os._exit(3)"))
    assert of(check(), "loads")[1].startswith("labels: The worker ended: exit status 3.")
    write(repo, code=("os._exit(3)", "raise SystemExit(3)"))
    assert of(check(), "loads")[1] == "labels: hubconf.py:14: SystemExit: 3"


def test_what_needs_arguments_is_made_as_the_card_says(repo, check) -> None:
    write(repo, code=("def labels():", "def labels(n):"))
    outcome, reason = of(check(), "loads")
    assert outcome == "passed"
    assert reason == (
        "1 of 1 were made; not tried: labels (TypeError: missing a required argument: 'n': "
        "say how in the card's `checks`)"
    )
    write(repo, card=("checks:\n", "checks:\n  labels: {kwargs: {n: 1}}\n"))
    assert of(check(), "loads") == ("passed", "2 of 2 were made")
    write(repo, card=("{kwargs: {n: 1}}", "{skip: needs a licence}"))
    assert of(check(), "loads")[1].endswith("; not tried: labels (needs a licence)")


def test_a_plan_for_what_is_not_there_fails(repo, check) -> None:
    write(repo, card=("  net:", "  nett: {}\n  net:"))
    assert of(check(), "loads") == ("failed", "the card's checks name nett, which is none")
    write(repo, card=("nett: {}", "nett: 3"))
    assert of(check(), "loads")[1].startswith('the card\'s "checks.nett" must be a mapping of ')


def test_a_call_that_fails_is_told_from_making(repo, check) -> None:
    write(repo, card=("[[1, 2]]", "[[a]]"))
    report = check()
    assert of(report, "loads") == ("passed", "2 of 2 were made")
    assert of(report, "calls")[1].startswith("net: hubconf.py:21: TypeError: unsupported operand")


def test_the_network_and_the_repo_are_out_of_reach(repo, check) -> None:
    attack = f"""
    import socket
    try:
        socket.create_connection(("127.0.0.1", 9), 1)
    except ConnectionRefusedError:
        raise AssertionError("reached the network") from None
    except OSError:
        pass
    open({str(repo / "new")!r}, "w")
    return []
"""
    write(repo, code=('    return ["a", "b"]', attack))
    assert "labels: hubconf.py:21: " in of(check(), "loads")[1]
    assert not (repo / "new").exists()


def test_results_that_differ_with_one_seed_are_no_fingerprint(repo, check) -> None:
    write(repo, code=('["a", "b"]', "[__import__('os').urandom(4).hex()]"))
    outcome, reason = of(check(), "fingerprint")
    assert outcome == "passed"
    assert reason.endswith("; with one seed, other results each time: labels")


def test_a_seed_decides_random_numbers(repo, check) -> None:
    write(repo, code=('["a", "b"]', "[__import__('random').random()]"))
    one, two, other = (_print(check(seed=seed)) for seed in (1, 1, 2))
    assert one == two
    assert one["labels"]["value"]["sha256"] != other["labels"]["value"]["sha256"]
    assert one["labels"]["value"]["outline"] == other["labels"]["value"]["outline"]


def _print(report: Report) -> dict:
    found: Trial = report.trials[-1]
    assert found.name == "fingerprint"
    return dict(found.details["entries"])


def test_an_example_that_fails_names_its_line(repo, check) -> None:
    write(repo, card=("[2.0]", "[2.5]"))
    outcome, reason = of(check(), "example-runs")
    assert (outcome, reason[:14]) == ("failed", "README.md:14: ")
    assert "Expected: [2.5] Got: [2.0]" in reason
    write(repo, card=('"net", trust', '"nett", trust'))
    assert of(check(), "example-runs")[1] == (
        "README.md:10: EntryPointMissing: Cannot find callable nett in hubconf.py.")  # fmt: skip


def test_blocks_share_their_names_whichever_kind_they_are(repo, check) -> None:
    text = ">>> model([3])\n[2.0]\n>>> kept = 7\n```\n\n```py\nassert kept == 7\n```\n"
    write(repo, card=(">>> model([3])\n[2.0]\n```\n", text))
    assert of(check(), "example-runs") == ("passed", "3 blocks ran as written")


def test_an_example_gets_the_packages_that_only_it_imports(repo, check) -> None:
    write(repo, card=("import reprise\n", "import reprise, plot\nassert plot.version == '1.0'\n"))
    assert of(check(), "example-runs")[0] == "passed"
    write(repo, card=("import reprise, plot", "import reprise, nowhere, plot"))
    assert "nowhere" in of(check(), "example-runs")[1]


def test_an_example_of_another_repo_or_the_network_says_so(repo, check) -> None:
    write(repo, card=('load(".",', 'load("eve/other",'))
    told = "README.md:10: OtherRepo: The example loads 'eve/other', but this is repo."
    assert of(check(), "example-runs")[1] == told
    code = "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')\nimport reprise\n"
    write(repo, card=("import reprise\n", code))
    assert "put files that it needs into the repo" in of(check(), "example-runs")[1]


def test_blocks_can_be_left_out_and_that_is_said(repo, check) -> None:
    write(repo, card=("```python\n>>> model", "```python no-check\n>>> model"))
    assert of(check(), "example-runs") == (
        "passed", "1 block ran as written; 1 more are marked `no-check`")  # fmt: skip


def test_weights_are_read(repo, check) -> None:
    (repo / "good.safetensors").write_bytes(b"\2" + bytes(7) + b"{}")
    assert of(check(), "weights-load") == (
        "passed", "1 files were read with weights_only=True")  # fmt: skip
    (repo / "bad.safetensors").write_bytes(b"\xff" * 9)
    with zipfile.ZipFile(repo / "net.pt", "w") as archive:
        archive.writestr("x", "y")
    assert of(check(), "weights-load") == (
        "failed", "bad.safetensors: the header is longer than the file")  # fmt: skip


def test_names_made_while_running_are_tried(repo, check) -> None:
    more = "for size in (1, 2):\n    globals()[f'net{id(size) * 0 + size}'] = lambda n=size: n\n"
    write(repo, code=("class _Net:", more + "\n\nclass _Net:"))
    assert of(check(), "loads") == ("passed", "4 of 4 were made")


def test_many_entry_points_are_cut_and_that_is_said(check) -> None:
    assert of(check(most=1), "loads") == (
        "passed", "1 of 1 were made; not tried: 1 more, beyond the first 1")  # fmt: skip


def test_a_folder_without_entry_points_has_nothing_to_try(repo, check) -> None:
    (repo / "hubconf.py").unlink()
    with pytest.raises(InvalidInput, match=r"has no hubconf\.py"):
        check()
