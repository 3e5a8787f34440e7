"""Stop texts are found however the text is cut into pieces."""

from hypothesis import given
from hypothesis import strategies as st

from reprise.worker.inside.stops import Stops

LETTERS = st.text("ab", max_size=30)


@given(st.lists(LETTERS, max_size=8), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
       st.booleans())  # fmt: skip
def test_what_is_shown_ends_where_the_first_stop_text_is(
    pieces: list[str], texts: list[str], keep: bool
) -> None:
    stops, shown, stopped = Stops(texts, keep=keep), "", False
    read = ""
    for piece in pieces:
        read += piece
        added, stopped = stops.push(piece)
        shown += added
        if stopped:
            break
    if not stopped:
        shown += stops.finish()
    found = [(read.find(text), text) for text in texts if text in read]
    expected = read
    if found:
        at, text = min(found)
        expected = read[: at + len(text) * keep]
    assert (shown, stopped) == (expected, bool(found))
