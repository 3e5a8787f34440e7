"""The command: run the steps, print a summary, stay up or clean up."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click

from reprise.base.errors import HubUnreachable
from reprise.cli.demo import client_steps, hub_steps, use_steps
from reprise.cli.demo.hub_process import last_lines
from reprise.cli.demo.report import Report
from reprise.cli.demo.steps import Result, Step, run_steps
from reprise.cli.demo.tour import MODEL, Tour
from reprise.cli.demo.workspace import find_examples, temporary_folder

STEPS: tuple[Step[Tour], ...] = (
    Step("Start a hub", hub_steps.start_hub),
    Step("Create a user and an access token", hub_steps.create_user),
    Step("Publish a data set", hub_steps.publish_dataset),
    Step("Publish a model", hub_steps.publish_model),
    Step("Find both by search", use_steps.find_repos),
    Step("List and explain the entry points, running nothing", use_steps.explain_entries),
    Step("Load the model in one line", use_steps.load_model),
    Step("Ask it real questions", use_steps.ask_questions),
    Step("Measure its accuracy against its card", use_steps.measure_accuracy),
    Step("Run the example on its card", use_steps.run_card_example),
    Step("Open its page", client_steps.open_page),
    Step("Clone it with git", client_steps.clone_with_git),
    Step("Download it with hf", client_steps.download_with_hf),
    Step("Load the data set with datasets", client_steps.load_with_datasets),
)


@click.command()
@click.option("--exit", "leave", is_flag=True, help="Stop at the end instead of staying up.")
@click.option("--port", default=0, show_default="a free one", help="Port of the hub.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the hub in this folder; by default it is removed at the end.",
)
def demo(leave: bool, port: int, data: Path | None) -> int:
    """Start a hub, publish a model and its data, and use them from every side.

    Every step is checked; the exit code is 0 only when all of them were right. Nothing is left
    behind but the folder given with --data.
    """
    examples = find_examples()
    logging.getLogger("reprise.hub").setLevel(logging.WARNING)  # the report says what happens
    report = Report()
    with stopped_by_signals(), temporary_folder() as root, ExitStack() as stack:
        folder = data.absolute() if data else root / "hub"
        tour = Tour(examples, root, folder, port, report, stack)
        results = take(tour)
        is_right = len(results) == len(STEPS) and all(result.is_right for result in results)
        if is_right and not leave:
            stay(tour)
    return 0 if is_right else 1


def take(tour: Tour) -> list[Result]:
    """Run all steps and print what they found."""
    results = []
    for result in run_steps(STEPS, tour, announce=tour.report.announce):
        tour.report.finish(result)
        results.append(result)
    if tour.hub and not results[-1].is_right:
        tour.report.say(f"\nThe end of the hub's log:\n{last_lines(tour.hub.log)}")
    tour.report.summary(results, planned=len(STEPS))
    return results


def stay(tour: Tour) -> None:
    """Keep the hub up until Ctrl-C.

    Raises:
        HubUnreachable: The hub stopped by itself.
    """
    if tour.hub is None:
        raise HubUnreachable("There is no hub to wait for.")
    try:
        tour.report.say(f"\nOpen {tour.url}/{MODEL}")
        tour.report.say("Use it from another terminal:")
        tour.report.command(f"export HF_ENDPOINT={tour.url} HF_TOKEN={tour.token}")
        tour.report.say("Ctrl-C stops the hub.")
        sys.stdout.flush()
        tour.hub.wait()
    except KeyboardInterrupt:
        tour.report.say("\nStopped.")


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Treat the ends of a terminal and of a service like Ctrl-C, so that all is cleaned up.

    Ctrl-C itself is asked for too: a script starts its background jobs deaf to it.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = {name: signal.signal(name, interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
