import pytest

from reprise.base.errors import InvalidFormat
from reprise.formats.card import Card, parse, render


def front(yaml: str) -> Card:
    return parse(f"---\n{yaml}\n---\nbody\n")


def test_front_matter_and_body_are_split():
    card = parse("---\nlicense: mit\ntags:\n- a\n- b\n---\n# Title\n\n---\nmore\n")
    assert card == Card({"license": "mit", "tags": ["a", "b"]}, "# Title\n\n---\nmore\n")
    assert card.lines == {"license": 2, "tags": 3}


@pytest.mark.parametrize("text", ["", "# Title\n", "---\nno end\n", "text\n---\na: b\n---\n"])
def test_a_text_without_front_matter_is_all_body(text):
    assert parse(text) == Card({}, text)


def test_windows_line_ends_and_a_byte_order_mark_are_accepted():
    assert parse("\ufeff---\r\nlicense: mit\r\n---\r\nbody\r\n") == Card(
        {"license": "mit"}, "body\r\n"
    )


def test_scalars_follow_yaml_1_2():
    yaml = (
        "a: no\nb: true\nc: ~\nd: 12:30\ne: 0x1F\nf: 0o17\ng: 1e3\nh: .5\ni: '1'\nj: 2024-01-05\n"
        "k: .nan\nl: 99999999999999999999\nm: 1_000\nn:\no: !!str 5\np: 2024-01-05T10:00:00Z"
    )
    assert front(yaml).data == {
        "a": "no",
        "b": True,
        "c": None,
        "d": "12:30",
        "e": 31,
        "f": 15,
        "g": 1000.0,
        "h": 0.5,
        "i": "1",
        "j": "2024-01-05",
        "k": ".nan",
        "l": "99999999999999999999",
        "m": "1_000",
        "n": None,
        "o": "5",
        "p": "2024-01-05T10:00:00Z",
    }


def test_keys_are_text_as_written():
    assert front("0: a\ntrue: b\n1.10: c").data == {"0": "a", "true": "b", "1.10": "c"}


def test_aliases_and_merge_keys_are_expanded():
    yaml = "base: &b {x: 1, y: 2}\nlist: [*b, *b]\nmore:\n  <<: *b\n  y: 3"
    assert front(yaml).data == {
        "base": {"x": 1, "y": 2},
        "list": [{"x": 1, "y": 2}, {"x": 1, "y": 2}],
        "more": {"x": 1, "y": 3},
    }


@pytest.mark.parametrize("yaml", ["{}", "# only a comment", "~"])
def test_empty_front_matter_is_no_metadata(yaml):
    assert front(yaml).data == {}


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("license: mit\nlicense: gpl", "line 3: the key 'license' occurs twice"),
        ("a:\n  b: 1\n  b: 2", "line 4: the key 'b' occurs twice"),
        ("a: b: c", "line 2: mapping values are not allowed in this context"),
        ("a: [1, 2", "line 3: did not find expected ',' or ']'"),
        ("- a\n- b", "line 2: expected 'key: value' lines, found something else"),
        ("a: 1\n? [x]\n: 2", "line 3: a key must be a word, not a list or a mapping"),
        ("a: !!binary aGk=", "line 2: the tag 'tag:yaml.org,2002:binary' is not allowed here"),
        ("a: *b", "line 2: the alias '*b' has no anchor"),
        ("<<: 5", "line 2: '<<' merges mappings only"),
    ],
)
def test_a_broken_block_is_refused_with_its_line(yaml, message):
    with pytest.raises(InvalidFormat) as caught:
        front(yaml)
    assert caught.value.message.startswith(message)


def test_render_writes_fields_in_order():
    text = render({"license": "mit", "tags": ["x"], "language": "no"}, "# Hi\n")
    assert text == "---\nlicense: mit\ntags:\n- x\nlanguage: 'no'\n---\n# Hi\n"


def test_render_without_metadata_is_the_body():
    assert render({}, "# Hi\n") == "# Hi\n"
    assert parse(render({}, "---\na: 1\n---\nx")) == Card({}, "---\na: 1\n---\nx")
