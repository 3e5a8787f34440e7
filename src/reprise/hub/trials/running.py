"""Run every trial of a repo and report, whatever happens to single ones."""

from dataclasses import replace
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput, RepriseError
from reprise.hub import locking, requirements
from reprise.hub.address import Address
from reprise.hub.manifest import Manifest, read_manifest
from reprise.hub.snapshots import Options, Snapshot, open_snapshot
from reprise.hub.trials.addresses import links_alive, weight_urls_alive
from reprise.hub.trials.entries import try_entries
from reprise.hub.trials.examples import try_example
from reprise.hub.trials.files import Fetched, fetch, try_weights
from reprise.hub.trials.records import NAMES, Report, Trial, judged, not_run
from reprise.hub.trials.setting import (
    How,
    Setting,
    environment_of,
    in_one_line,
    prepare,
    read_readme,
    torch_home,
)

_NEED_CODE = ("loads", "calls", "weights-load", "example-runs", "fingerprint")


def check_repo(repo: str, how: How, options: Options | None = None) -> Report:
    """Run all trials of a repo at one commit.

    Code runs in workers, without network and with nothing to write to. A trial that fails is a
    result; an error means that there is nothing to try.

    Args:
        repo: As for `load`.
        how: How to run them.
        options: How to fetch it.

    Raises:
        InvalidInput: It has no `hubconf.py`.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    snapshot = open_snapshot(repo, options or Options())
    manifest = read_manifest(snapshot.folder)
    if "no-hubconf" in manifest.flags:
        raise InvalidInput(
            f"{snapshot.address} has no hubconf.py, so there is nothing to run.",
            hint="Checks of card and files are shown by: reprise submission OWNER/NAME",
        )
    found = [links_alive(read_readme(snapshot.folder), how.may_ask)]
    alive, answers = weight_urls_alive(manifest, how.may_ask)
    fetched = fetch(manifest, answers, how.fetch)
    environment: dict[str, Any] = {}
    with torch_home(fetched.files) as home:
        isolation = replace(
            how.isolation,
            env=(*how.isolation.env, ("TORCH_HOME", str(home))),
            readable=(*how.isolation.readable, home),
        )
        installs, setting = _prepared(snapshot, manifest, replace(how, isolation=isolation))
        found += [alive, installs]
        if setting is None:
            reason = f"there is no environment: see {installs.name}"
            found += [not_run(name, reason) for name in _NEED_CODE]
        else:
            environment, more = _run(setting, fetched)
            found += more
    order = list(NAMES)
    trials = tuple(sorted(found, key=lambda trial: order.index(trial.name)))
    return Report(_name(snapshot), snapshot.commit, environment, trials)


def _run(setting: Setting, fetched: Fetched) -> tuple[dict[str, Any], list[Trial]]:
    """Run what needs an environment; also describe that. The repo's code runs last."""
    with setting.worker() as worker:
        try:
            environment = environment_of(setting, worker)
        except RepriseError as error:  # above all: this machine cannot confine code
            return {}, [not_run(name, in_one_line(error)) for name in _NEED_CODE]
        found = [try_weights(setting, worker, fetched), *try_entries(setting, worker)]
    return environment, [*found, try_example(setting, environment["packages"])]


def _prepared(snapshot: Snapshot, manifest: Manifest, how: How) -> tuple[Trial, Setting | None]:
    name = "installs"
    try:
        lock = locking.read_lock(snapshot.folder)
        setting = prepare(snapshot, manifest, how)
    except (RepriseError, InvalidFormat) as error:
        return Trial(name, "failed", in_one_line(error)), None
    if how.isolation.environment is not None:
        return not_run(name, "an environment that exists was used instead"), setting
    wanted = requirements.wanted(snapshot.folder, manifest)
    if lock is None:
        needs = bool(requirements.lines(wanted))
        without = "there is no pylock.toml; versions were chosen today: publish again to lock them"
        return Trial(name, "passed", without if needs else "the code needs no packages"), setting
    problems = [f"pylock.toml {text}" for text in locking.lacking(lock, wanted)]
    count = len({package.name for package in lock.packages})  # some are there for other systems
    passed = f"{count} packages of pylock.toml were installed with its hashes"
    return judged(name, problems, passed), setting


def _name(snapshot: Snapshot) -> str:
    address = snapshot.address
    return str(address.repo_id) if isinstance(address, Address) else str(address)
