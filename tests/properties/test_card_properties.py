import yaml
from huggingface_hub import RepoCard
from hypothesis import given
from hypothesis import strategies as st

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats.card import Card, check, parse, render

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.sampled_from(["no", "1e5", "0o7", "12:30", "2024-01-01", ".nan", "<<", "=", "~", "---"])
)
values = st.recursive(
    scalars, lambda child: st.lists(child) | st.dictionaries(text, child), max_leaves=20
)
metadata = st.dictionaries(text, values, max_size=6)


@given(metadata, text)
def test_a_rendered_card_is_parsed_back(data, body):
    assert parse(render(data, body)) == Card(data, body)


@given(metadata)
def test_other_readers_see_the_same_metadata(data):
    written = render(data, "")
    block = written.removeprefix("---\n").removesuffix("---\n")
    assert (yaml.safe_load(block) or {}) == data


@given(st.text())
def test_any_text_parses_or_is_refused(text):
    for card in (text, f"---\n{text}\n---\n"):
        try:
            parse(card)
        except InvalidFormat:
            continue


@given(metadata, st.sampled_from(list(RepoType)))
def test_any_metadata_can_be_checked(data, repo_type):
    for problem in check(render(data, "x"), repo_type):
        assert problem.severity in {"error", "warning"}


@given(st.dictionaries(st.sampled_from(["a", "b", "tags"]), text), text)
def test_the_client_splits_at_the_same_place(data, body):
    assert RepoCard(render(data, body)).text == parse(render(data, body)).body
