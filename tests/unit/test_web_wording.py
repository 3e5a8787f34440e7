import pytest

from reprise.server.web.highlight import MAX_CODE, highlight, language_of
from reprise.server.web.markdown import slug, to_html
from reprise.server.web.sanitize import Base
from reprise.server.web.wording import ago, date, file_size, short_count

BASE = Base("/o/m/blob/main", "/o/m/resolve/main")
DAY = 86_400_000_000
NOW = 20_000 * DAY


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1200, "1.2k"), (22_700_000, "22.7M"), (7_000_000_000, "7B")],
)
def test_counts_are_shortened(number, text):
    assert short_count(number) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (512, "512 B"), (1500, "1.5 kB"), (438_000_000, "438 MB"), (5 << 40, "5.5 TB")],
)
def test_sizes_are_decimal(size, text):
    assert file_size(size) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (NOW, "just now"),
        (NOW + DAY, "just now"),
        (NOW - 60_000_000, "1 minute ago"),
        (NOW - 2 * 3_600_000_000, "2 hours ago"),
        (NOW - 3 * DAY, "3 days ago"),
        (NOW - 400 * DAY, "31 August 2023"),
    ],
)
def test_times_are_told_as_people_do(micros, text):
    assert ago(micros, NOW) == text


def test_dates_name_the_month():
    assert date(0) == "1 January 1970"


@pytest.mark.parametrize(
    ("path", "language"),
    [("a/b.py", "python"), ("Dockerfile", "docker"), ("x.JSON", "json"), ("weights", "")],
)
def test_languages_follow_names(path, language):
    assert language_of(path) == language


def test_code_becomes_spans_with_our_classes():
    assert highlight("def f(): pass", "py").startswith('<span class="hl-k">def</span>')


@pytest.mark.parametrize(
    ("code", "language"), [("<b>", ""), ("<b>", "klingon"), ("<b>" * MAX_CODE, "py")]
)
def test_other_code_stays_plain_and_safe(code, language):
    assert highlight(code, language) == code.replace("<", "&lt;").replace(">", "&gt;")


def test_code_that_makes_a_lexer_slow_stays_plain():
    code = "\n\n" * 20_000
    assert highlight(code, "c") == code


def test_headings_go_down_a_level_and_get_anchors():
    html = to_html("# A\n\n###### A\n", BASE)
    assert html == '<h2 id="user-content-a">A</h2>\n<h6 id="user-content-a-1">A</h6>\n'
    assert slug("What, it's `done`!") == "what-its-done"


def test_tables_footnotes_and_boxes_are_rendered():
    html = to_html("|a|b|\n|:-|-:|\n|1|2|\n\n- [x] yes\n- [ ] no\n\nText[^1]\n\n[^1]: Note\n", BASE)
    assert '<td align="left">1</td>\n<td align="right">2</td>' in html
    assert "<li>☑ yes</li>\n<li>☐ no</li>" in html
    assert 'href="#user-content-fn1"' in html
    assert 'id="user-content-fn1"' in html


def test_addresses_are_those_of_the_repo():
    html = to_html("[a](docs/a.md) ![b](b.png)", BASE)
    assert 'href="/o/m/blob/main/docs/a.md" rel="nofollow ugc noopener"' in html
    assert '<img src="/o/m/resolve/main/b.png" alt="b">' in html
