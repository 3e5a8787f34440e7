"""What leaderboards are read from and written to, and what badges say."""

import json
from dataclasses import replace

import pytest

from reprise.base.errors import InvalidFormat
from reprise.formats import csv_table, sota
from reprise.formats.model_index import with_verdicts
from reprise.formats.signature import board_key, comparable
from reprise.formats.sota import PastResult
from reprise.formats.urls import web_url
from reprise.formats.verdict import Level, Outcome
from reprise.registry.claim_badges import Mood, Said, badge_of
from reprise.registry.claims import StatedClaim
from reprise.registry.past_results import name_key
from reprise.registry.reverify import Cause, Reason
from reprise.registry.verdicts import PostedVerdict
from reprise.registry.wording import interval_text, value_text
from reprise.server.badge import svg

TASK = {
    "task": "NLI", "datasets": [{"dataset": "SNLI", "sota": {"metrics": ["Acc", "Size"], "rows": [
        {"model_name": "A", "metrics": {"Acc": "90.1%", "Size": "3m"}, "paper_title": "P",
         "paper_url": "https://x.org/1", "paper_date": "2019-05-01"},
        {"model_name": "B", "metrics": {"Acc": "91", "Size": ""}, "paper_url": "javascript:x"},
        {"model_name": "", "metrics": {"Acc": "99"}}, "no row", {"model_name": "C"},
    ]}, "subdatasets": [{"dataset": "hard", "sota": {"rows": [
        {"model_name": "A", "metrics": {"Acc": 70.5}}]}}]}],
    "subtasks": [{"task": "Few shot", "datasets": [{"dataset": "SNLI", "sota": {"rows": [
        {"model_name": "A", "metrics": {"Acc": "50"}}]}}]}],
}  # fmt: skip


def test_every_value_of_a_task_is_read() -> None:
    assert sota.read(json.dumps([TASK])) == [
        PastResult("NLI", "SNLI", "Acc", "A", "90.1%", "P", "https://x.org/1", "2019-05-01"),
        PastResult("NLI", "SNLI", "Size", "A", "3m", "P", "https://x.org/1", "2019-05-01"),
        PastResult("NLI", "SNLI", "Acc", "B", "91"),
        PastResult("NLI", "hard", "Acc", "A", "70.5"),
        PastResult("Few shot", "SNLI", "Acc", "A", "50"),
    ]
    assert [it.number for it in sota.read(json.dumps(TASK))] == [90.1, None, 91.0, 70.5, 50.0]


@pytest.mark.parametrize("text", ["", "{", "1", '[{"name": 1}]', "[" * 100_000, '"x"'])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidFormat, match="This is no"):
        sota.read(text)


def test_what_is_written_reads_back() -> None:
    rows = [sota.Row("ada/net", "https://hub/claims/1", "0.91", "2026-11-21")]
    written = sota.write([sota.Table("NLI", "ada/data · test", "accuracy@1", rows)])
    found = sota.read(json.dumps(written))
    assert found == [
        PastResult("NLI", "ada/data · test", "accuracy@1", "ada/net", "0.91", date="2026-11-21")
    ]
    assert written[0]["datasets"][0]["sota"]["rows"][0]["model_links"] == [
        {"title": "ada/net", "url": "https://hub/claims/1"}
    ]


def test_names_lose_what_cannot_be_seen() -> None:
    assert sota.plain_name("a\x1b[2J\u202eb\n c\ud800" + "x" * 999) == "a [2J b c " + "x" * 290
    assert sota.plain_name({"a": 1}) == sota.plain_name(True) == ""


@pytest.mark.parametrize("url", [
    "javascript:alert(1)", "data:text/html,x", "//evil", "https:///x", "http://[", "https://a b",
    "https://x\u202e.org", 'https://x.org/"onclick', 7, None, "https://" + "x" * 600,
])  # fmt: skip
def test_addresses_that_are_none_become_nothing(url: object) -> None:
    assert web_url(url) == ""


def test_cells_are_no_formulas() -> None:
    text = csv_table.write(["a"], [["=1+1"], ["@x"], ["-1"], [-1.5], ['say "x"'], ["two\nlines"]])
    assert text == 'a\n\'=1+1\n\'@x\n\'-1\n-1.5\n"say ""x"""\n"two\nlines"\n'


@pytest.mark.parametrize(("first", "second", "same"), [
    ("f1@1.0|n:10|average:macro|bs:9|def:a", "f1@1.3|average:macro|n:10|bs:1|seed:2|def:b", True),
    ("f1@1.0|n:10", "f1@2.0|n:10", False),
    ("f1@1.0|n:10", "f1@1.0|n:11", False),
    ("bleu@1.0|n:1|up:sb/nrefs:1|version:2.6", "bleu@1.0|n:1|up:sb/nrefs:1|version:2.7", True),
    ("f1@1.0|n:10|average:macro", "f1@1.0|n:10|average:micro", False),
])  # fmt: skip
def test_boards_hold_what_may_be_compared(first: str, second: str, same: bool) -> None:
    assert (board_key(first) == board_key(second)) is same
    assert bool(comparable(first, second)) is same


def test_only_verdicts_say_verified() -> None:
    metrics = [{"type": "f1", "value": 1, "verified": True, "verifyToken": "forged"}, {"type": "x"}]
    index = [{"name": "m", "results": [{"task": {"type": "t"}, "metrics": metrics}, 3]}, "odd"]
    assert with_verdicts(index)[0]["results"][0]["metrics"] == [
        {"type": "f1", "value": 1}, {"type": "x"},
    ]  # fmt: skip
    found = with_verdicts(index, lambda _, metric: "t" if metric["type"] == "x" else None)
    assert found == [
        {"name": "m", "results": [
            {"task": {"type": "t"}, "metrics": [
                {"type": "f1", "value": 1},
                {"type": "x", "verified": True, "verifyToken": "t"},
            ]}, 3,
        ]}, "odd",
    ]  # fmt: skip
    assert with_verdicts("nonsense") == "nonsense"


def test_names_of_data_sets_are_compared_without_their_spelling() -> None:
    assert name_key("stanfordnlp/snli") == name_key("SNLI") == "snli"
    assert name_key("rajpurkar/squad_v2") == name_key("SQuAD v2")


@pytest.mark.parametrize(("value", "ci", "words"), [
    ("0.9146103896", ("0.9045", "0.9243"), "0.9146 ± 0.0099"),
    ("78.1234", ("76", "80.3"), "78.1 ± 2.1"),
    ("0.5", ("0.1", "0.55"), "0.50 [0.10, 0.55]"),
    ("0.123456", (), "0.1235"),
    ("12", (), "12"),
    ("1e999", (), ""),
    ("nonsense", ("a", "b"), ""),
    ("0.9", ("0.9", "0.9"), "0.9000 ± 0.0000"),
])  # fmt: skip
def test_values_have_as_many_digits_as_their_interval_allows(
    value: str, ci: tuple[str, ...], words: str
) -> None:
    assert f"{value_text(value, ci)} {interval_text(value, ci)}".strip() == words


# -- badges -----------------------------------------------------------------------------------

CLAIM = StatedClaim(
    1, 1, "model", "ada/net", False, "1" * 40, "a" * 64, "c", "claims", "p", "t", "ada/data",
    None, "test", None, "accuracy@1.0", None, None, None, "0.91", 100, "full", "{}", 0,
)  # fmt: skip
VERDICT = PostedVerdict(
    1, 1, "bob", "SHA256:x", "ed25519", Level.RERUN, Outcome.REPRODUCED, "0.9123", 100,
    ("0.89", "0.93"), None, None, True, "x86_64-linux", "{}", "e" * 64,
    1_790_000_000_000_000, 1_790_000_000_000_000, 0,
)  # fmt: skip
LEFT = "accuracy@1.0 · data"


@pytest.mark.parametrize(("changes", "right", "mood"), [
    ([], "claimed 0.91, not verified", Mood.NONE),
    ([{}], "rerun · reproduced · 0.912 ± 0.020 · 2026-09 · 1 verifier", Mood.GOOD),
    ([{}, {"account": "eve", "outcome": Outcome.EXACT}],
     "rerun · exact · 0.912 ± 0.020 · 2026-09 · 2 verifiers", Mood.GOOD),
    ([{"independent": False}], "reproduced by its author · 2026-09", Mood.NONE),
    ([{"outcome": Outcome.CONTRADICTED}], "contradicted: 0.912 ± 0.020 · 2026-09", Mood.BAD),
    ([{}, {"account": "eve", "outcome": Outcome.NOT_RUNNABLE, "value": None}],
     "no longer runs · 2026-09", Mood.WARN),
    ([{"outcome": Outcome.CLOSE}], "close · 2026-09", Mood.WARN),
    ([{"revoked_at": 5}], "claimed 0.91, not verified", Mood.NONE),
    ([{}, {"account": "eve", "outcome": Outcome.CONTRADICTED, "hardware_class": "gpu"}],
     "rerun · reproduced · 0.912 ± 0.020 · 2026-09 · 1 verifier · contradicted elsewhere",
     Mood.WARN),
])  # fmt: skip
def test_badges_say_what_verdicts_come_to(
    changes: list[dict[str, object]], right: str, mood: Mood
) -> None:
    posted = [replace(VERDICT, **{"id": n, **it}) for n, it in enumerate(changes, 1)]
    assert badge_of(CLAIM, posted[::-1]) == Said(LEFT, right, mood)


def test_badges_age() -> None:
    due = (Reason(Cause.OLD, "the last verdict is old"),)
    said = badge_of(CLAIM, [VERDICT], due)
    assert (said.right.rpartition(" · ")[2], said.mood) == ("due again", Mood.WARN)
    gone = badge_of(replace(CLAIM, withdrawn_at=7), [VERDICT])
    assert gone == Said(LEFT, "withdrawn; reproduced 2026-09", Mood.NONE)


def test_pictures_hold_no_markup_of_others() -> None:
    drawn = svg("<script>" + "x" * 500, '" onload="alert(1)', "#fff")
    assert "<script>" not in drawn
    assert ' onload="' not in drawn
    assert len(drawn) < 3000
