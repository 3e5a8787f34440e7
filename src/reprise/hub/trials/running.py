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
from reprise.hub.trials.files import fetch, try_weights
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
    fetched, problems, left = fetch(manifest, answers, how.fetch)
    with torch_home(fetched) as home:
        isolation = replace(
            how.isolation,
            env=(*how.isolation.env, ("TORCH_HOME", str(home))),
            readable=(*how.isolation.readable, home),
        )
        installs, setting = _prepared(snapshot, manifest, replace(how, isolation=isolation))
        found += [alive, installs]
        environment: dict[str, Any] = {}
        reason = f"there is no environment: see {installs.name}"
        if setting is not None:
            try:
                environment = environment_of(setting)
            except RepriseError as error:  # above all: this machine cannot confine code
                setting, reason = None, in_one_line(error)
        if setting is None:
            found += [not_run(name, reason) for name in _NEED_CODE]
        else:
            found += [*try_entries(setting)]
            found.append(try_weights(setting, fetched, problems, left))
            found.append(try_example(setting, environment["packages"]))
    order = list(NAMES)
    trials = tuple(sorted(found, key=lambda trial: order.index(trial.name)))
    return Report(_name(snapshot), snapshot.commit, environment, trials)


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
    passed = f"{len(lock.packages)} packages of pylock.toml were installed with its hashes"
    return judged(name, problems, passed), setting


def _name(snapshot: Snapshot) -> str:
    address = snapshot.address
    return str(address.repo_id) if isinstance(address, Address) else str(address)
