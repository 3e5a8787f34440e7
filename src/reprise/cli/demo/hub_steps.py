"""The demo's first half: a hub, a user, two published repos."""

import json
import os

import httpx2

from reprise.cli.demo.hub_process import running_hub, serve_command
from reprise.cli.demo.steps import Check, Outcome
from reprise.cli.demo.tour import DATASET, MODEL, OWNER, Tour, digests
from reprise.cli.demo.workspace import client_environment


def start_hub(tour: Tour) -> Outcome:
    """Start `reprise serve` and wait until it is healthy."""
    tour.report.command(f"$ reprise {' '.join(serve_command(tour.data, tour.port)[3:])}")
    env = client_environment(tour.root, endpoint="")
    tour.hub = tour.stack.enter_context(
        running_hub(tour.data, port=tour.port, log=tour.root / "hub.log", env=env)
    )
    tour.report.say(f"The hub is at {tour.url}")
    health = httpx2.get(f"{tour.url}/health", trust_env=False)
    return Outcome((Check("GET /health answers 200", 200, health.status_code),))


def create_user(tour: Tour) -> Outcome:
    """Create the user `demo`, unless an earlier demo did, and a token that may write."""
    data = ("--data", tour.data)
    users = json.loads(tour.run("reprise", "user", "list", "--json", *data))
    if OWNER not in {user["name"] for user in users}:
        tour.report.say(tour.run("reprise", "user", "create", OWNER, *data))
    tour.token = tour.run("reprise", "token", "create", OWNER, "--role", "write", *data).strip()
    tour.report.say(f"{tour.token[:7]}... (kept in HF_TOKEN)")
    _become_client(tour)
    return Outcome((Check("the hub knows whose token it is", OWNER, tour.api.whoami()["name"]),))


def _become_client(tour: Tour) -> None:
    """Give this process the environment of a client too, before it imports one."""
    env = tour.env
    os.environ.clear()
    os.environ.update(env)


def publish_dataset(tour: Tour) -> Outcome:
    """Publish `examples/banking77`."""
    return _publish(tour, DATASET, "dataset")


def publish_model(tour: Tour) -> Outcome:
    """Publish `examples/banking-intents`."""
    return _publish(tour, MODEL, "model")


def _publish(tour: Tour, repo_id: str, repo_type: str) -> Outcome:
    name = repo_id.partition("/")[2]
    options = [] if repo_type == "model" else ["--type", repo_type]
    printed = tour.run("reprise", "publish", f"examples/{name}", repo_id, *options)
    tour.report.say(printed)
    info = tour.api.repo_info(repo_id, repo_type=repo_type)
    listed = tour.api.list_repo_files(repo_id, repo_type=repo_type)
    files = sorted(path for path in listed if not path.startswith("."))
    expected = sorted(digests(tour.examples / name))
    return Outcome(
        (
            Check("the hub is at the commit that was made", printed.split()[-1], info.sha),
            Check(f"it has all {len(expected)} files", expected, files),
        )
    )
