"""How the demo speaks: steps as they happen, a table at the end."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reprise.cli.demo.steps import Result


class Report:
    """Prints the demo's progress on stdout."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def announce(self, number: int, title: str) -> None:
        """Print the heading of a step."""
        self._print("")
        self._print(f"{number:2}  {title}", "bold")

    def command(self, text: str) -> None:
        """Show a command line, or a line of Python, that is being run."""
        self._print(f"    {text}", "cyan")

    def say(self, text: str) -> None:
        """Print something a step found out."""
        for line in text.splitlines():
            self._print(f"    {line}")

    def finish(self, result: Result) -> None:
        """Print what was checked in a step and how long it took."""
        for check in result.outcome.checks:
            if check.holds:
                self._print(f"    ok: {check.what}", "green")
            else:
                self._print(f"    WRONG: {check.what}: {check.difference}", "bold red")
        if result.error:
            self._print("    FAILED:", "bold red")
            self.say(result.error)
        if result.outcome.skipped:
            self._print(f"    skipped: {result.outcome.skipped}", "yellow")
        self._print(f"    {result.seconds:.1f} s", "bright_black")

    def summary(self, results: Sequence[Result], *, planned: int) -> None:
        """Print one line for each step and the verdict."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("", justify="right")
        table.add_column("STEP")
        table.add_column("")
        table.add_column("CHECKS", justify="right")
        table.add_column("SECONDS", justify="right")
        for number, result in enumerate(results, start=1):
            word, colour = _word(result)
            checks = str(len(result.outcome.checks) or "")
            seconds = f"{result.seconds:.1f}"
            table.add_row(str(number), result.title, Text(word, colour), checks, seconds)
        self._print("")
        self._console.print(table)
        self._print("")
        if len(results) == planned and all(result.is_right for result in results):
            self._print(f"Everything is as it should be: {_counts(results)}.", "bold green")
        else:
            rest = f" Steps not run: {planned - len(results)}." if len(results) < planned else ""
            self._print(f"Something is not as it should be.{rest}", "bold red")

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))


def _word(result: Result) -> tuple[str, str]:
    if not result.is_right:
        return "WRONG", "bold red"
    return ("skipped", "yellow") if result.outcome.skipped else ("ok", "green")


def _counts(results: Sequence[Result]) -> str:
    checks = sum(len(result.outcome.checks) for result in results)
    skipped = sum(bool(result.outcome.skipped) for result in results)
    text = f"{checks} checks in {len(results)} steps, {sum(r.seconds for r in results):.1f} s"
    return f"{text}; {skipped} skipped" if skipped else text
