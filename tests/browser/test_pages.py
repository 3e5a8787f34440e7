"""Pages in a real browser: nothing from elsewhere, nothing refused, nothing cut off."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from huggingface_hub import CommitOperationAdd

from tests.browser.chromium import BINARY, Chromium
from tests.factories import make_org, make_repo
from tests.http.test_hf_info import safetensors

pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium on this machine")

HOSTILE = """---
license: mit
pipeline_tag: text-classification
tags: [a-very-long-tag-without-any-place-to-break-it-at-all-which-goes-on-and-on]
---
# Title
<script>document.title = "owned"</script>
<img src=x onerror="document.title = 'owned'">
<svg onload="document.title = 'owned'"></svg>
<p style="position:fixed;inset:0;background:red">covered</p>
<iframe src="https://example.invalid/frame"></iframe>
![pixel](https://example.invalid/pixel.png)

[click](javascript:document.title='owned')

| a | b | c | d | e | f | g | h |
|---|---|---|---|---|---|---|---|
| wwwwwwwwwwwwwwww | wwwwwwwwwwwwwwww | wwwwwwwwwwwwwwww | wwwwwwwwwwwwwwww | 5 | 6 | 7 | 8 |

```python
a_very_long_line = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
```

AVeryLongWordAVeryLongWordAVeryLongWordAVeryLongWordAVeryLongWordAVeryLongWordAVeryLongWord
"""
PATHS = [
    "/",
    "/models",
    "/models?filter=license%3Amit&search=a",
    "/datasets",
    "/ada",
    "/lab",
    "/ada/a-model-with-a-rather-long-name-indeed",
    "/ada/a-model-with-a-rather-long-name-indeed/tree/main",
    "/ada/a-model-with-a-rather-long-name-indeed/blob/main/hubconf.py",
    "/ada/a-model-with-a-rather-long-name-indeed/blob/main/model.safetensors",
    "/ada/a-model-with-a-rather-long-name-indeed/entry-points/main",
    "/ada/a-model-with-a-rather-long-name-indeed/try/main",
    "/ada/a-model-with-a-rather-long-name-indeed/commits/main",
    "/nothing/here",
]
CARD = PATHS[6]
_PARSED = "(color => (color.match(/[\\d.]+/g) || []).map(Number))"
# Smallest contrast between text and what lies behind it (WCAG 2, relative luminance).
CONTRAST = f"""
(() => {{
  const parse = {_PARSED};
  const lum = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {{
    for (let at = element; at; at = at.parentElement) {{
      const found = parse(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }}
    return [255, 255, 255];
  }};
  let worst = ["", 21];
  for (const element of document.querySelectorAll("body *")) {{
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [lum(parse(getComputedStyle(element).color)), lum(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[1]) worst = [element.outerHTML.slice(0, 120), ratio];
  }}
  return worst;
}})()
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


@pytest.fixture
def pages(hub):
    """A hub with a model whose card is hostile, and an organisation."""
    repo = make_repo(hub.registry, CARD.strip("/"))
    make_org(hub.registry, "lab", ada="admin")
    files = {
        "README.md": HOSTILE.encode(),
        "hubconf.py": b'def model(a=1):\n    """Load it."""\n',
        "model.safetensors": safetensors(weight=("F32", [10, 20], 800)),
    }
    adds = [CommitOperationAdd(path, content) for path, content in files.items()]
    hub.api().create_commit(str(repo.repo_id), adds, commit_message="Add everything")
    return hub


def test_a_hostile_card_does_nothing(pages, chromium):
    chromium.view(1280)
    chromium.open(pages.url + CARD)
    assert chromium.ask("document.title") == "ada/a-model-with-a-rather-long-name-indeed · Reprise"
    assert chromium.ask("document.scripts.length + document.querySelectorAll('iframe').length") == 0
    assert chromium.ask("getComputedStyle(document.querySelector('.prose p')).position") == "static"
    assert chromium.ask("document.querySelectorAll('[onerror],[onload],[style]').length") == 0
    assert all("404 (Not Found)" in complaint for complaint in chromium.complaints())


def test_pages_ask_nobody_else_and_nothing_is_refused(pages, chromium):
    chromium.view(1280)
    for path in PATHS:
        chromium.open(pages.url + path)
        hosts = {urlsplit(url).netloc for url in chromium.requests()}
        assert hosts == {urlsplit(pages.url).netloc}
        assert not [it for it in chromium.complaints() if "404" not in it], path


def test_the_fonts_are_ours(pages, chromium):
    chromium.view(1280)
    chromium.open(pages.url)
    assert chromium.ask("document.fonts.ready.then(() => document.fonts.check('1em Newsreader'))")
    loaded = "[...document.fonts].filter(it => it.status === 'loaded').map(it => it.family)"
    families = {family.strip('"') for family in chromium.ask(loaded)}
    assert families >= {"Newsreader", "Source Sans 3", "JetBrains Mono"}


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_is_wider_than_the_window(pages, chromium, width):
    chromium.view(width)
    for path in PATHS:
        chromium.open(pages.url + path)
        assert chromium.ask("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(pages, chromium, dark):
    chromium.view(1280, dark=dark)
    for path in PATHS:
        chromium.open(pages.url + path)
        worst, ratio = chromium.ask(CONTRAST)
        assert ratio >= 4.5, f"{path}: {worst}"


def test_pages_are_built_for_screen_readers(pages, chromium):
    chromium.view(1280)
    for path in PATHS:
        chromium.open(pages.url + path)
        assert chromium.ask("document.documentElement.lang") == "en"
        assert chromium.ask("document.querySelectorAll('h1').length") == 1, path
        for landmark in ("header", "main", "footer", "nav", "[role=search]"):
            assert chromium.ask(f"!!document.querySelector('{landmark}')"), path
        unnamed = (
            "[...document.querySelectorAll('a, button, input:not([type=hidden]), summary')].filter("
            "it => !(it.innerText.trim() || it.ariaLabel || it.labels?.length "
            "|| it.textContent.trim())).map(it => it.outerHTML)"
        )
        assert chromium.ask(unnamed) == [], path
        twice = "[...document.querySelectorAll('[id]')].map(it => it.id)"
        found = chromium.ask(twice)
        assert len(found) == len(set(found)), path


def test_the_keyboard_reaches_the_content_first(pages, chromium):
    chromium.view(1280)
    chromium.open(pages.url)
    for kind in ("keyDown", "keyUp"):
        chromium.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                      windowsVirtualKeyCode=9)  # fmt: skip
    assert chromium.ask("document.activeElement.hash") == "#content"
    assert chromium.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_light_and_dark_differ(pages, chromium, tmp_path):
    taken = []
    for dark in (False, True):
        chromium.view(390, dark=dark)
        chromium.open(pages.url)
        taken.append(chromium.screenshot(tmp_path / f"{dark}.png"))
        colour = chromium.ask(f"{_PARSED}(getComputedStyle(document.body).backgroundColor)")
        assert (sum(colour) < 200) is dark
    assert taken[0] != taken[1]
