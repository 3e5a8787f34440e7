"""Windows over texts: what counts, counts once, with the context it was promised."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reprise.verify.evaluators.likelihood import _windows


@given(length=st.integers(1, 300), context=st.integers(2, 40), data=st.data())
def test_every_token_counts_once_and_with_what_stands_before_it(length, context, data) -> None:
    stride = data.draw(st.integers(1, context))
    ids = np.arange(length)
    windows = _windows(ids, context, stride)
    counted = np.concatenate([row.note["ids"] for row in windows])
    read = [row.features["input_ids"] for row in windows]
    assert all(1 <= len(row) <= context for row in read)
    lost = {0} if stride < context else set(range(0, length, context))
    assert sorted(counted.tolist()) == sorted(set(range(length)) - lost)
    for row, seen in zip(windows, read, strict=True):
        # The logits at a place say the next token.
        assert np.array_equal(seen[row.note["at"] + 1], row.note["ids"])
        if seen[0] > 0 and stride < context:
            assert (row.note["at"] + 1 >= context - stride).all()
