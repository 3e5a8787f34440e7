"""Calls of tools in what a model writes, wherever the text is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.worker.inside.tool_calls import ToolCall, ToolCalls

CALL = '<tool_call>\n{"name": "find", "arguments": {"what": "a </tool_call> \\" é"}}\n</tool_call>'
FOUND = ToolCall("find", '{"what": "a </tool_call> \\" é"}')
SHORT = '<tool_call>{"name":"lose","arguments":{}}</tool_call>'
LOST = ToolCall("lose", "{}")


def parted(*pieces: str) -> tuple[str, list[ToolCall]]:
    parser = ToolCalls(["find", "lose"])
    shown, calls = "", []
    for text, some in [*map(parser.push, pieces), parser.finish()]:
        shown += text
        calls += some
    return shown, calls


@pytest.mark.parametrize(
    ("text", "shown", "calls"),
    [
        ("", "", []),
        (" plain, <b>with</b> <tool brackets \n", " plain, <b>with</b> <tool brackets \n", []),
        (CALL, "", [FOUND]),
        (f"Let me see.\n\n{CALL}\n{SHORT}\n", "Let me see.", [FOUND, LOST]),
        (f"{SHORT}\nand then {SHORT} more", "\nand then more", [LOST, LOST]),
        (SHORT.removesuffix("</tool_call>"), "", [LOST]),
        (SHORT[:-3], SHORT[:-3], []),
        (f"<tool_call>{SHORT}", f"<tool_call>{SHORT}", []),
        (f"<tool_call>oh</tool_call> {SHORT}", "<tool_call>oh</tool_call>", [LOST]),
        (f'<tool_call>"</tool_call>{SHORT[:-12]}', '<tool_call>"</tool_call>', [LOST]),
    ],
)
def test_text_and_calls_wherever_it_is_cut(text: str, shown: str, calls: list[ToolCall]) -> None:
    assert parted(text) == (shown, calls)
    assert parted(*text) == (shown, calls)
    for at in range(len(text)):
        assert parted(text[:at], text[at:]) == (shown, calls)


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", "null", '{"name": "find"}', '{"name": "find", "arguments": "x"}',
     '{"name": "other", "arguments": {}}', '{"name": ["find"], "arguments": {}}',
     '{"name": "find", "arguments": {"x": NaN}}', '{"name": "find", "arguments": {"x": 1e999}}',
     '{"name": "find", "arguments": {"x": "\\ud83d"}}', '{"name": "find", "arguments": {}} more',
     '{"name": "find", "arguments": {"x": ' + "9" * 5000 + "}}",
     '{"name": "find", "arguments": {"x": ' + "[" * 9000 + "}}"],
    ids=lambda body: body[:40],
)  # fmt: skip
def test_what_is_no_call_of_a_tool_remains_text(body: str) -> None:
    text = f"a <tool_call>{body}</tool_call> b"
    assert parted(text) == (text, [])


@given(st.lists(st.sampled_from([CALL, SHORT, "<tool_call>", "</tool_call>", '{"', " ", "x", "<"])),
       st.data())  # fmt: skip
def test_cuts_change_nothing(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    at = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    ends = zip([0, *at], [*at, len(text)], strict=True)
    shown, calls = parted(*(text[a:b] for a, b in ends))
    assert (shown, calls) == parted(text)
    assert all(isinstance(json.loads(call.arguments), dict) for call in calls)
