from hypothesis import given
from hypothesis import strategies as st

from reprise.base.errors import InvalidInput
from reprise.hub.address import Address, parse

HUB = "https://hub.example.org"
NAMES = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._]{0,8}[A-Za-z0-9])?", fullmatch=True).filter(
    lambda name: ".." not in name and not name.lower().endswith((".git", ".ipynb"))
)
COMMITS = st.text("0123456789abcdef", min_size=40, max_size=40)
REVISIONS = st.one_of(COMMITS, st.sampled_from(["main", "v1.0", "feature/x", "refs/pr/1", "a@b"]))


@given(st.text())
def test_any_text_is_an_address_a_folder_or_an_error_of_ours(text: str) -> None:
    try:
        found = parse(text, endpoint=HUB)
    except InvalidInput:
        return
    assert not isinstance(found, Address) or "/" not in found.host


@given(st.text(alphabet="aB1:@#/.-_~ \\%", max_size=30))
def test_no_address_leads_out_of_the_cache(text: str) -> None:
    try:
        found = parse(text, endpoint=HUB)
    except InvalidInput:
        return
    if isinstance(found, Address):
        assert ".." not in found.key.split("/")
        assert not found.key.startswith(("/", "."))


@given(
    st.sampled_from(["https://h.org/", "git+http://h/x/", "ssh://git@h/", "git@h:", "file:///"]),
    st.text(alphabet="aB1:@/.-_~%!", max_size=30),
)
def test_git_urls_are_read_back_and_stay_in_the_cache(start: str, rest: str) -> None:
    try:
        found = parse(f"{start}{rest}.git", endpoint=HUB)
    except InvalidInput:
        return
    assert isinstance(found, Address)
    assert (found.kind, parse(str(found), endpoint=HUB)) == ("git", found)
    assert not {".", ".."} & set(found.place)
    assert all("/" not in part and not part.startswith(".") for part in found.place)


@given(NAMES, NAMES, st.none() | REVISIONS, st.sampled_from(["", "code", "a/b"]))
def test_what_is_printed_is_read_back(
    owner: str, name: str, revision: str | None, subfolder: str
) -> None:
    written = f"{owner}/{name}{f':{revision}' if revision else ''}"
    written += f"#{subfolder}" if subfolder else ""
    found = parse(written, endpoint=HUB)
    assert parse(str(found), endpoint=HUB) == found
