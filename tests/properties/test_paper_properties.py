"""Papers: what is read from an address, an identifier or a tag is one and the same."""

from hypothesis import given
from hypothesis import strategies as st

from reprise.formats.papers import Paper, papers_of, parse

NUMBERS = st.from_regex(r"[0-9]{4}\.[0-9]{4,5}", fullmatch=True)
OLD = st.from_regex(r"(cs|math|hep-th|q-bio)/[0-9]{7}", fullmatch=True)
VERSIONS = st.sampled_from(["", "v1", "v12"])
DOIS = st.from_regex(r"10\.[0-9]{4,9}/[a-z0-9][a-z0-9.()/:;<>-]{0,40}[a-z0-9]", fullmatch=True)


@given(NUMBERS | OLD, VERSIONS)
def test_an_arxiv_paper_is_found_again(number: str, version: str) -> None:
    paper = Paper("arxiv", number)
    spellings = [f"{number}{version}", f"{paper.url}{version}", f"arXiv:{number}{version}",
                 f"https://arxiv.org/pdf/{number}{version}.pdf"]  # fmt: skip
    assert [parse(text) for text in spellings] == [paper] * 4
    assert papers_of({}, f"As in [it]({paper.url}{version}), we see.") == [paper]


@given(DOIS.filter(lambda text: text.count(")") == text.count("(")))
def test_a_doi_is_found_again(name: str) -> None:
    paper = Paper("doi", name)
    found = parse(paper.url)
    assert found == paper
    assert parse(f"doi:{paper.url.removeprefix('https://doi.org/').upper()}") == paper


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_is_read_and_its_papers_are_found_again(text: str, field: str) -> None:
    body = f"arxiv:{text} doi:10.1000/{text} https://doi.org/10.1000/{text} https://{text}"
    for paper in papers_of({"paper": field, "doi": f"10.1000/{field}", "arxiv": text}, body):
        if paper.kind != "link":
            assert parse(paper.url) == paper
