"""Papers in cards: found however they are cited, written one way."""

import time

import pytest

from reprise.formats.papers import MAX_PAPERS, Paper, papers_of, parse

BERT = Paper("arxiv", "1810.04805")


@pytest.mark.parametrize("text", [
    "https://arxiv.org/abs/1810.04805", "http://www.arxiv.org/pdf/1810.04805v2.pdf",
    "arXiv:1810.04805", "arxiv: 1810.04805v1 [cs.CL]", "https://arxiv.org/html/1810.04805v2",
    "https://huggingface.co/papers/1810.04805", "https://doi.org/10.48550/arXiv.1810.04805",
    "doi:10.48550/arXiv.1810.04805", "https://ar5iv.labs.arxiv.org/html/1810.04805",
    "  eprint = {1810.04805},", 'eprint="arXiv:1810.04805"', "[BERT](https://arxiv.org/abs/1810.04805).",
    "https://www.alphaxiv.org/abs/1810.04805",
])  # fmt: skip
def test_arxiv_is_found_however_it_is_cited(text: str) -> None:
    assert papers_of({}, f"See {text}\n") == [BERT]


@pytest.mark.parametrize(("text", "name"), [
    ("https://doi.org/10.1038/s41586-021-03819-2", "10.1038/s41586-021-03819-2"),
    ("http://dx.doi.org/10.1145/3292500.3330701.", "10.1145/3292500.3330701"),
    ("(doi:10.1016/S0140-6736(05)67878-6)", "10.1016/s0140-6736(05)67878-6"),
    ("doi = {10.18653/v1/N19-1423},", "10.18653/v1/n19-1423"),
    ("[x](https://doi.org/10.1000/A%2FB)", "10.1000/a/b"),
    ("<https://doi.org/10.1000/182>", "10.1000/182"),
])  # fmt: skip
def test_dois_are_found_and_lower_case(text: str, name: str) -> None:
    assert papers_of({}, f"See {text}\n") == [Paper("doi", name)]


@pytest.mark.parametrize("text", [
    "https://openreview.net/forum?id=YicbFdNTTy", "https://aclanthology.org/N19-1423/",
    "https://proceedings.mlr.press/v139/radford21a.html", "https://papers.nips.cc/paper/7181-attention",
])  # fmt: skip
def test_other_sites_of_papers_are_links(text: str) -> None:
    assert papers_of({}, f"[x]({text}).") == [Paper("link", text)]


@pytest.mark.parametrize("text", [
    "https://github.com/ada/net", "version 1810.04805", "10.1000/182 alone", "https://arxiv.org/list/cs",
    "https://openreview.net/", "arxiv.org/abs/1810.048051", "https://example.org/papers/", "",
])  # fmt: skip
def test_what_is_no_paper_is_left_alone(text: str) -> None:
    assert papers_of({}, text) == []


def test_old_identifiers_lose_their_class_and_version() -> None:
    text = "https://arxiv.org/abs/cs.CL/0112017v1 and arXiv:hep-th/9901001"
    assert papers_of({}, text) == [Paper("arxiv", "cs/0112017"), Paper("arxiv", "hep-th/9901001")]


def test_metadata_comes_first_and_each_paper_once() -> None:
    data = {
        "paper": "https://example.org/my.pdf", "doi": ["10.1000/182", 3], "arxiv": 1810.04805,
        "papers": [{"url": "https://arxiv.org/abs/1910.01108v4"}, None], "paper_url": "no address",
    }  # fmt: skip
    assert papers_of(data, "arXiv:1810.04805, doi:10.1000/182") == [
        BERT, Paper("doi", "10.1000/182"), Paper("link", "https://example.org/my.pdf"),
        Paper("arxiv", "1910.01108"),
    ]  # fmt: skip


def test_a_paper_knows_its_tag_and_address() -> None:
    assert (BERT.tag, BERT.url) == ("arxiv:1810.04805", "https://arxiv.org/abs/1810.04805")
    doi = Paper("doi", "10.1000/182")
    assert (doi.tag, doi.url) == ("doi:10.1000/182", "https://doi.org/10.1000/182")
    assert parse("10.1000/182") == doi
    assert parse("cs/0112017") == Paper("arxiv", "cs/0112017")
    assert parse("nothing") is None


@pytest.mark.parametrize("text", [
    "arxiv:" * 100_000, "10.1000/" * 100_000, "https://" * 100_000, "doi:10.1/" + "(" * 500_000,
    "a-a" * 200_000, "eprint = " * 50_000, "https://doi.org/10.1000/" + ")" * 300_000,
    "arxiv:a-b.cd/" * 50_000, "http://[" * 50_000,
], ids=range(9))  # fmt: skip
def test_a_hostile_text_is_read_in_time(text: str) -> None:
    begin = time.process_time()
    papers_of({"paper": text, "doi": [text] * 5}, text)
    assert time.process_time() - begin < 5


def test_no_more_papers_than_anybody_reads() -> None:
    text = " ".join(f"arXiv:{n:04}.00001" for n in range(2000))
    assert len(papers_of({"papers": [f"{n:04}.00002" for n in range(200)]}, text)) == MAX_PAPERS
