"""The demo's middle: find, understand, load, ask, measure."""

import ast
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from reprise.cli.demo.steps import Check, Outcome
from reprise.cli.demo.tour import DATASET, ENTRY, MODEL, Tour, row_count

# Questions of the test split that the model gets right; the data set says which intents they
# have, and the next step measures all of them.
QUESTIONS = (
    "Is there a way to know when my card will arrive?",
    "What age do my kids need to be to use your service?",
    "I've lost track of my phone or someone stole it.",
    "How long does the cash withdrawal take to pend?",
)
_EXAMPLE = re.compile(r"^```py(?:thon)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def find_repos(tour: Tour) -> Outcome:
    """Search for a word that both repos have in their names."""
    models = json.loads(tour.run("reprise", "search", "banking", "--json"))
    datasets = json.loads(tour.run("reprise", "search", "banking", "--type", "dataset", "--json"))
    for found in [*models, *datasets]:
        tour.report.say(f"{found['repo_type']:8} {found['id']}  {found['task'] or ''}".rstrip())
    return Outcome(
        (
            Check("the model is found", [MODEL], _owned(models, MODEL)),
            Check("the data set is found", [DATASET], _owned(datasets, DATASET)),
        )
    )


def _owned(found: list[dict[str, Any]], repo_id: str) -> list[str]:
    """Return the found repo of this id; a hub that was used before may hold others."""
    return [item["id"] for item in found if item["id"] == repo_id]


def explain_entries(tour: Tour) -> Outcome:
    """List the entry points and show the help of one; both read the code without running it."""
    listed = json.loads(tour.run("reprise", "list", MODEL, "--json"))
    for entry in listed:
        tour.report.say(f"{entry['name']}{entry['signature']}  {entry['summary']}")
    shown = tour.run("reprise", "help", MODEL, ENTRY)
    tour.report.say(shown)
    sources = ast.parse((tour.examples / "banking-intents" / "hubconf.py").read_text("utf-8"))
    functions = {node.name: node for node in sources.body if isinstance(node, ast.FunctionDef)}
    written = ast.get_docstring(functions[ENTRY]) or ""
    return Outcome(
        (
            Check("both entry points are listed", sorted(functions), [e["name"] for e in listed]),
            Check("the help is what the author wrote", True, written in shown),
        )
    )


def load_model(tour: Tour) -> Outcome:
    """Load the model as its users do."""
    tour.report.command(f'>>> model = reprise.load("{MODEL}", "{ENTRY}", trust_repo=True)')
    tour.report.say(repr(tour.model))
    tensor_libraries = sorted({"torch", "onnxruntime", "tensorflow"} & set(sys.modules))
    return Outcome(
        (
            Check("the model can be called", True, callable(tour.model)),
            Check("no deep-learning framework was imported", [], tensor_libraries),
        )
    )


def ask_questions(tour: Tour) -> Outcome:
    """Classify questions of the test split and compare with their labels."""
    gold = {row["text"]: row["category"] for row in tour.test_rows}
    answers = {}
    for question in QUESTIONS:
        tour.report.command(f">>> model({question!r})")
        answers[question] = tour.model(question)[0]
        tour.report.say(f"{answers[question]['label']} ({answers[question]['score']:.2f})")
    return Outcome(
        tuple(
            Check(f"{question!r} is {gold.get(question)}", gold.get(question), answer["label"])
            for question, answer in answers.items()
        )
    )


def measure_accuracy(tour: Tour) -> Outcome:
    """Classify the whole test split and compare with the number on the card."""
    claim = tour.claim
    start = time.perf_counter()
    answers = tour.model([row["text"] for row in tour.test_rows])
    seconds = time.perf_counter() - start
    right = sum(
        answer[0]["label"] == row["category"]
        for answer, row in zip(answers, tour.test_rows, strict=True)
    )
    rows = row_count(tour.examples / "banking77" / "test.csv")
    digits = len(str(claim).partition(".")[2])
    accuracy = round(right / len(answers), digits)
    tour.report.say(f"{right:,} of {len(answers):,} right, in {seconds:.2f} s")
    return Outcome(
        (
            Check(f"the test split is whole: {rows:,} questions", rows, len(answers)),
            Check(f"the accuracy is what the card claims, {claim}", claim, accuracy),
        )
    )


def run_card_example(tour: Tour) -> Outcome:
    """Run the code that the card shows, as it stands; consent was given with the first load."""
    page = Path(tour.api.hf_hub_download(MODEL, "README.md")).read_text(encoding="utf-8")
    (example,) = _EXAMPLE.findall(page)
    script = tour.root / "example.py"
    script.write_text(example, encoding="utf-8")
    tour.report.say(example)
    printed = tour.run(sys.executable, script, cwd=tour.root)
    promised = re.findall(r"^# (.*)$", example, re.MULTILINE)
    return Outcome((Check("it prints what the card says", promised, printed.splitlines()),))
