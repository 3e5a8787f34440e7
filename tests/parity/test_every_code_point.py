"""Every engine does to every code point what the library of its profile does.

The digests: tests/golden/make_code_points.py.
"""

import hashlib
import json

import pytest

from reprise.tokenizers import EncodeOptions, TokenizerSpec, Want, open_engine
from reprise.tokenizers.engine import engine_names
from tests.golden.make_code_points import PARTS, ROOT, content, rows

OPTIONS = EncodeOptions(
    add_special_tokens=False, want=Want.IDS | Want.OFFSETS | Want.WORD_IDS, threads=1
)


@pytest.mark.exhaustive
@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("name", PARTS)
def test_every_code_point_is_normalized_aligned_and_cut_as_its_profile_says(
    engine: str, name: str
) -> None:
    batch = open_engine(TokenizerSpec(content(name)), engine).encode(rows(), OPTIONS)
    assert batch.offsets is not None
    assert batch.word_ids is not None
    digest = hashlib.sha256()
    for row in range(len(batch)):
        start, end = batch.row_splits[row : row + 2]
        columns = (batch.ids, batch.offsets, batch.word_ids)
        digest.update(json.dumps([column[start:end].tolist() for column in columns]).encode())
    assert digest.hexdigest() == json.loads((ROOT / "code_points.json").read_text())[name]
