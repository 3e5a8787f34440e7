"""Cards of PyTorch Hub's catalogue as model cards."""

import pytest

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats import card
from reprise.formats.hub_card import from_hub_card
from reprise.formats.papers import Paper, papers_of

OLD = """---
layout: hub_detail
background-class: hub-background
body-class: hub
category: researchers
title: Small Net
summary: Tells cats from dogs
image: cat.png
author: Ada
tags: [vision, scriptable]
github-link: https://github.com/ada/net/blob/main/net.py
github-id: ada/net
featured_image_1: cat.png
featured_image_2: no-image
accelerator: “cuda-optional”
order: 10
demo-model-link: https://example.org/demo
---

```python
import torch
```

### Model Description
"""


def test_fields_of_the_catalogue_become_card_data() -> None:
    found = card.parse(from_hub_card(OLD))
    assert found.data == {
        "title": "Small Net",
        "summary": "Tells cats from dogs",
        "author": "Ada",
        "accelerator": "cuda-optional",
        "tags": ["vision", "scriptable", "torch-hub"],
        "demo": "https://example.org/demo",
        "code": "https://github.com/ada/net",
        "images": ["cat.png"],
    }
    assert found.body.startswith("\n# Small Net\n\n```python\nimport torch\n")
    problems = card.check(from_hub_card(OLD), RepoType.MODEL)
    assert [it for it in problems if it.severity == "error"] == []


def test_cards_without_an_id_know_their_code_from_the_link() -> None:
    link = "https://github.com/NVIDIA/DeepLearningExamples/tree/master/PyTorch/Tacotron2"
    text = f"---\ntitle: Tacotron 2\ngithub-link: {link}\nfeatured_image_1: no-image\n---\n"
    assert card.parse(from_hub_card(text)).data == {
        "title": "Tacotron 2",
        "tags": ["torch-hub"],
        "code": "https://github.com/NVIDIA/DeepLearningExamples",
    }


def test_papers_of_an_imported_card_are_found() -> None:
    text = from_hub_card(f"{OLD}See [the paper](https://arxiv.org/abs/1712.05884).\n")
    found = card.parse(text)
    assert papers_of(found.data, found.body) == [Paper("arxiv", "1712.05884")]


@pytest.mark.parametrize("text", ["", "# Net\n", "---\na: 1\n---\n", "---\ntitle: [\n---\n",
                                  "---\ntitle: {}\n---\n"])  # fmt: skip
def test_what_is_no_card_of_the_catalogue_is_refused(text: str) -> None:
    with pytest.raises(InvalidFormat):
        from_hub_card(text)
