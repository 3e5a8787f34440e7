"""Luck and cutting scores: what holds for any numbers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.models.generate.narrowing import log_softmax, make_narrowings, softmax
from reprise.models.generate.sampling import draw, draw_several, gumbel, row_keys
from reprise.models.generate.settings import Settings

SCORES = st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=40).map(
    lambda numbers: np.array(numbers, np.float32)
)
KEYS = st.binary(min_size=16, max_size=16)
PLACES = st.integers(0, 1 << 20)


@given(SCORES, KEYS, PLACES)
def test_a_token_that_may_not_come_never_comes(scores: np.ndarray, key: bytes, place: int) -> None:
    scores[::2] = -np.inf
    assert draw(scores, key, place) % 2 == 1


@given(SCORES, KEYS, PLACES)
def test_luck_does_not_know_the_other_tokens(scores: np.ndarray, key: bytes, place: int) -> None:
    tokens = np.arange(len(scores))
    whole = gumbel(key, place, tokens)
    assert np.isfinite(whole).all()
    assert gumbel(key, place, tokens[1::3]).tolist() == whole[1::3].tolist()


@given(SCORES, KEYS, PLACES, st.integers(1, 40))
def test_several_draws_differ_and_begin_with_the_single_one(
    scores: np.ndarray, key: bytes, place: int, count: int
) -> None:
    found = draw_several(scores, key, place, min(count, len(scores))).tolist()
    assert len(set(found)) == len(found) == min(count, len(scores))
    assert found[0] == draw(scores, key, place)


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), min_size=1, max_size=6),
       st.integers(1, 3), st.integers(0, 1 << 62))  # fmt: skip
def test_every_row_has_a_key_that_its_neighbours_do_not_change(
    rows: list[list[int]], copies: int, seed: int
) -> None:
    prompts = [np.array(row) for row in rows]
    keys = row_keys(seed, prompts, copies)
    assert len(set(keys)) == len(keys) == len(rows) * copies
    first = [keys[rows.index(row) * copies] for row in rows]
    assert first == [row_keys(seed, [prompt], 1)[0] for prompt in prompts]


@given(
    SCORES,
    st.fixed_dictionaries(
        {}, optional={
            "temperature": st.floats(0.1, 4), "top_k": st.integers(0, 50),
            "top_p": st.floats(0, 1), "min_p": st.floats(0, 1), "typical_p": st.floats(0, 1),
            "epsilon_cutoff": st.floats(0, 0.99), "eta_cutoff": st.floats(0, 0.99)}),
    st.integers(1, 3),
)  # fmt: skip
@settings(max_examples=200)
def test_cutting_scores_leaves_tokens_to_choose_from(
    scores: np.ndarray, asked: dict[str, float], beams: int
) -> None:
    made = make_narrowings(Settings(**asked, num_beams=beams), len(scores))  # type: ignore[arg-type]
    left = scores
    for narrow in made:
        left = narrow(left)
    kept = left > -np.inf
    assert kept.sum() >= min(len(scores), 1 if beams == 1 else 2)
    assert np.isfinite(left[kept]).all()
    np.testing.assert_allclose(softmax(left).sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(np.exp(log_softmax(left)), softmax(left), atol=1e-6)
