"""Markdown written to run code, leave the card's frame, or reach other hosts."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reprise.server.web.markdown import MAX_TEXT, to_html
from reprise.server.web.sanitize import Base, clean, link, picture

BASE = Base("/o/m/blob/main", "/o/m/resolve/main")
ALLOWED = {
    "href", "src", "alt", "title", "lang", "dir", "id", "class", "align", "width", "height",
    "colspan", "rowspan", "scope", "start", "open", "rel",
}  # fmt: skip
FORBIDDEN = {
    "script", "style", "iframe", "object", "embed", "form", "input", "button", "textarea", "select",
    "svg", "math", "link", "meta", "base", "template", "video", "audio", "frame", "portal",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def harmless(html: str) -> None:
    reader = Reader()
    reader.feed(html)
    for tag, attributes in reader.tags:
        assert tag not in FORBIDDEN
        assert attributes.keys() <= ALLOWED
        for name in ("href", "src"):
            address = attributes.get(name)
            assert address is None or address.startswith(
                ("/", "#", "http://", "https://", "mailto:")
            )
        if "src" in attributes:  # "." is the folder itself
            assert f"{attributes['src']}/".startswith("/o/m/resolve/main/")
        assert (attributes.get("id") or "user-content-").startswith("user-content-")
        assert (attributes.get("class") or "hl-").startswith("hl-")


PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt/src=//evil.example>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    (
        "<math><mtext><table><mglyph><style><!--</style>"
        "<img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>"
    ),
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](https://evil.example/pixel.png)",
    "![x](//evil.example/pixel.png)",
    "![x](/api/whoami-v2)",
    "<img srcset='https://evil.example/a 1x' src='//evil.example/b'>",
    "<iframe src=https://evil.example></iframe>",
    "<object data=x></object><embed src=x>",
    "<form action=/api/repos/delete><input name=a><button>go</button></form>",
    "<p style='position:fixed;inset:0;background:url(//evil.example)'>x</p>",
    "<style>@import '//evil.example'</style>",
    "<link rel=stylesheet href=//evil.example><meta http-equiv=refresh content='0;url=//e'>",
    "<base href='//evil.example/'>",
    "<div id=content class='top brand'>x</div>",
    "<a name=content>x</a><img name=getElementById>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<video src=x onerror=alert(1)><audio src=x>",
    "<table background='//evil.example/x'><tr><td>x</td></tr></table>",
    "<p dir='x' title='\"><script>alert(1)</script>'>x</p>",
    "```python\n</code></pre><script>alert(1)</script>\n```",
    '```"onmouseover=alert(1) x=\n code\n```',
    "~~~<script>\nx\n~~~",
    "[^1]\n\n[^1]: <script>alert(1)</script>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "<!-- --!><script>alert(1)</script> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml <script>alert(1)</script> ?>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_card_comes_out_harmless(payload):
    harmless(to_html(payload, BASE))


@given(
    st.lists(st.sampled_from([*PAYLOADS, "\n\n", "`", "<", ">", "'", '"', "- ", "> "]), max_size=6)
)
def test_hostile_pieces_together_come_out_harmless(pieces):
    harmless(to_html("".join(pieces), BASE))


@given(st.text())
@example("#0")  # a place on the page is no picture
def test_any_html_comes_out_harmless(text):
    harmless(clean(f"<a href='{text}'>{text}<img src='{text}'>", BASE))


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("docs/a.md", "/o/m/blob/main/docs/a.md"),
        ("./a b.md?raw=1#Part", "/o/m/blob/main/a%20b.md#user-content-Part"),
        ("%2e%2e/%2e%2e/x", None),
        ("../x", None),
        ("a/../../x", None),
        ("#part", "#user-content-part"),
        ("/datasets/o/d", "/datasets/o/d"),
        ("https://example.org/x", "https://example.org/x"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("javascript:x", None),
        ("ftp://example.org", None),
        ("\\\\evil.example", None),
        ("http://[broken", None),
        ("", "/o/m/blob/main"),
    ],
)
def test_links_lead_into_the_repo_or_openly_away(address, leads_to):
    assert link(BASE, address) == leads_to


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("a.png", "/o/m/resolve/main/a.png"),
        ("/o/x/resolve/main/a.png", "/o/x/resolve/main/a.png"),
        ("/datasets/o/x/resolve/main/a.png", "/datasets/o/x/resolve/main/a.png"),
        ("/api/models", None),
        ("/o/x/resolve/main/../../../../api/models", None),
        ("https://example.org/a.png", None),
        ("//example.org/a.png", None),
        ("../../a.png", None),
        ("data:image/png;base64,AA", None),
    ],
)
def test_pictures_come_from_repos_of_this_hub(address, shown):
    assert picture(BASE, address) == shown


def test_paths_are_relative_to_the_folder_of_the_text():
    base = Base("/o/m/blob/main", "/o/m/resolve/main", "docs/deep")
    assert link(base, "../b.md") == "/o/m/blob/main/docs/b.md"
    assert picture(base, "../../../x.png") is None


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![",
        "*a_ ",
        "> ",
        "- ",
        "<a ",
        "<div>\n",
        "<ul>",
        "`",
        "`a``b",
        "&",
        "[^1]",
        "# a\n",
        "~~a",
    ],
)
def test_a_text_made_to_be_slow_is_rendered_all_the_same(piece):
    harmless(to_html(piece * (MAX_TEXT // len(piece)), BASE))


def test_blocks_without_end_are_shown_as_they_were_written():
    assert to_html("<div>" * 5000, BASE).startswith("<pre>&lt;div&gt;")


def test_a_text_without_end_is_cut():
    html = to_html("word " * 200_000, BASE)
    assert html.endswith("<p><em>The rest is not shown: the text is too long.</em></p>")
