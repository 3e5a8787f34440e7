"""The card's field `checks`, and the blocks of Python in a card."""

import pytest

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats.card import check
from reprise.formats.code_blocks import Block, python_blocks
from reprise.formats.trial_plans import Call, Plan, parse


def test_plans_say_how_to_make_and_to_call() -> None:
    value = {
        "net": {"args": [1], "kwargs": {"a": 2}, "calls": [{"args": [3], "method": "encode"}]},
        "short": {"call": ["text"]},
        "huge": {"skip": " needs 60 GB "},
    }
    assert parse(value) == {
        "net": Plan([1], {"a": 2}, (Call([3], {}, "encode"),)),
        "short": Plan(calls=(Call(["text"]),)),
        "huge": Plan(skip="needs 60 GB"),
    }
    assert parse(None) == {}


@pytest.mark.parametrize(("value", "said"), [
    ([], '"checks" must be a mapping from entry points to plans'),
    ({"net": 1}, '"checks.net" must be a mapping of args, call, calls, kwargs, skip'),
    ({"net": {"arg": 1}}, '"checks.net" must be a mapping of args, call, calls, kwargs, skip'),
    ({"net": {"args": {}}}, '"checks.net.args" must be a list'),
    ({"net": {"kwargs": []}}, '"checks.net.kwargs" must be a mapping'),
    ({"net": {"call": 1}}, '"checks.net.calls[0].args" must be a list'),
    ({"net": {"calls": [1]}}, '"checks.net.calls[0]" must be a mapping of args, kwargs, method'),
    ({"net": {"calls": [{"method": "a b"}]}},
     '"checks.net.calls[0].method" must be the name of a method'),
    ({"net": {"calls": [{}] * 21}}, '"checks.net.calls" must be a list of at most 20 calls'),
    ({"net": {"skip": True}}, '"checks.net.skip" must say in words why it is skipped'),
])  # fmt: skip
def test_other_plans_are_refused_with_their_place(value: object, said: str) -> None:
    with pytest.raises(InvalidFormat) as caught:
        parse(value)
    assert caught.value.message == said


def test_a_card_is_warned_about_plans_and_requirements_and_not_refused() -> None:
    text = "---\nlicense: mit\nchecks: [net]\nrequirements: ['numpy>=1', '-r x']\n---\n"
    found = [(it.severity, it.line, it.message) for it in check(text, RepoType.MODEL)]
    assert found == [
        ("warning", 3, '"checks" must be a mapping from entry points to plans'),
        ("warning", 4, '"requirements" with value "-r x" is no requirement like numpy>=1.26'),
    ]


def test_blocks_of_python_are_found_with_their_lines() -> None:
    text = (
        "# A\n\n```python\none\n```\n\n* item\n  ```py no-check\n  two\n    three\n  ```\n"
        "~~~python\n```\nfour\n~~~\n```\nplain\n```\n```sh\nls\n```\n```python\n\n```\n"
        "```python\nunclosed\n"
    )
    assert python_blocks(text) == [
        Block("one\n", 3),
        Block("two\n  three\n", 8, skipped=True),
        Block("```\nfour\n", 12),
    ]
