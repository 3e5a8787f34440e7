"""Speech by models that spell beside transformers: whole results, tiny seeded wav2vec 2.0."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not find_spec("transformers"):
    pytest.skip("needs transformers", allow_module_level=True)

from reprise.base.errors import InvalidInput
from reprise.tasks import pipeline
from reprise.tasks.letters import Letter, Letters, words

pytestmark = pytest.mark.filterwarnings("ignore")
CONFIG = {
    "vocab_size": 9, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 48, "conv_dim": (16, 16, 16), "conv_kernel": (10, 3, 2),
    "conv_stride": (5, 8, 8), "num_feat_extract_layers": 3, "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4, "pad_token_id": 0,
}  # fmt: skip
STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
LETTERS = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6, "C": 7, "D": 8}


def sound(seed: int, seconds: float) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    return np.asarray(drawn.standard_normal(int(seconds * 16_000)) * 0.1, np.float32)


@pytest.fixture(scope="module", params=["Wav2Vec2", "Wav2Vec2-stable", "Hubert"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    import transformers

    made = tmp_path_factory.mktemp("letters")
    name, _, variant = request.param.partition("-")
    config = getattr(transformers, f"{name}Config")(**CONFIG, **(STABLE if variant else {}))
    torch.manual_seed(7)
    model = getattr(transformers, f"{name}ForCTC")(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(made)
    (made / "letters.json").write_text(json.dumps(LETTERS))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(made / "letters.json"))
    tokenizer.save_pretrained(made)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(made)
    return made


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_timestamps": "char"},
        {"return_timestamps": "word"},
        {"chunk_length_s": 1.5},
        {"chunk_length_s": 2, "stride_length_s": (0.5, 0.3), "return_timestamps": "word"},
    ],
)
def test_sound_is_spelled(folder: Path, options: dict[str, Any]) -> None:
    from transformers import pipeline as reference

    theirs = reference("automatic-speech-recognition", str(folder))
    given = [sound(seed, seconds) for seed, seconds in enumerate((0.7, 5.3, 2.0))]
    expected = [theirs(one.copy(), **options) for one in given]
    assert any(each["text"] for each in expected)
    for engine in ("onnx", "torch"):
        ours = pipeline(model=folder, engine=engine)
        assert ours.task == "automatic-speech-recognition"
        assert [ours(one, **options) for one in given] == expected
        assert ours(given, **options) == expected


def test_letters_that_repeat_are_one_and_blanks_say_nothing() -> None:
    letters = Letters({0: "-", 1: "|", 2: "A", 3: "B"}, "-", lowers=True)
    found = letters.read([0, 2, 2, 0, 2, 1, 1, 3, 0])
    assert found == [Letter("A", 1, 3), Letter("A", 4, 5), Letter(" ", 5, 7), Letter("B", 7, 8)]
    assert letters.text(found) == "aa b"
    assert list(words(found)) == [Letter("AA", 1, 5), Letter("B", 7, 8)]


def test_what_cannot_be_heard_is_refused(folder: Path) -> None:
    pipe = pipeline(model=folder)
    for given, options in (
        (sound(1, 0.001), {}),
        (sound(1, 140), {}),
        (sound(1, 2), {"return_timestamps": True}),
        (sound(1, 2), {"chunk_length_s": 1, "stride_length_s": 1}),
    ):
        with pytest.raises(InvalidInput):
            pipe(given, **options)
