"""Cards as notebooks."""

import json

import pytest

from reprise.formats.notebook import from_markdown


def cells(text: str) -> list[tuple[str, str]]:
    found = json.loads(from_markdown(text))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in found]


def test_python_blocks_become_code_and_everything_else_text() -> None:
    text = "# Net\n\nUse it:\n\n```python\nimport a\n\na.b()\n```\n\nOr:\n\n```console\n$ x\n```\n"
    assert cells(text) == [
        ("markdown", "# Net\n\nUse it:"),
        ("code", "import a\n\na.b()"),
        ("markdown", "Or:\n\n```console\n$ x\n```"),
    ]


def test_longer_fences_hold_shorter_ones() -> None:
    assert cells("````py\ns = '''\n```\n'''\n````\n") == [("code", "s = '''\n```\n'''")]


def test_a_block_that_is_not_closed_ends_with_the_text() -> None:
    assert cells("~~~py\nx = 1") == [("code", "x = 1")]


def test_the_same_text_gives_the_same_bytes_with_unlike_ids() -> None:
    text = "```py\n1\n```\n```py\n1\n```\n"
    assert from_markdown(text) == from_markdown(text)
    assert len({cell["id"] for cell in json.loads(from_markdown(text))["cells"]}) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "```" * 100_000, "```py\n" * 50_000, "\ud800"])
def test_any_text_makes_a_notebook(text: str) -> None:
    assert json.loads(from_markdown(text))["nbformat"] == 4
