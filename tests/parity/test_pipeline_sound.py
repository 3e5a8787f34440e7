"""Sound beside transformers: features by 2e-5, text token for token on a tiny seeded Whisper."""

import json
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not find_spec("transformers"):
    pytest.skip("needs transformers", allow_module_level=True)

from reprise.base.errors import InvalidInput, NotFound
from reprise.tasks import pipeline
from reprise.tasks.audio import Hearing, open_sound
from tests.pipeline_models import WHISPER, save

pytestmark = pytest.mark.filterwarnings("ignore")


def sound(seed: int, samples: int = 16_000) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    return np.asarray(drawn.standard_normal(samples) * 0.1, np.float32)


def write(path: Path, samples: np.ndarray, rate: int = 16_000) -> str:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = save(tmp_path_factory.mktemp("whisper"), "WhisperForConditionalGeneration",
                model_type="whisper", **WHISPER)  # fmt: skip
    settings = {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 1}
    (made / "preprocessor_config.json").write_text(json.dumps(settings))
    return made


@pytest.mark.parametrize("mels", [80, 128])
def test_features_are_those_of_the_reference(mels: int) -> None:
    from transformers import WhisperFeatureExtractor

    reference = WhisperFeatureExtractor(feature_size=mels)
    given = sound(1, 70_000)
    expected = reference(given, sampling_rate=16_000, return_tensors="np").input_features[0]
    np.testing.assert_allclose(Hearing(mels=mels).features(given), expected, atol=2e-5)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_sound_becomes_text(folder: Path, engine: str) -> None:
    import torch
    from transformers import WhisperForConditionalGeneration
    from transformers.generation import GenerationMixin

    model = WhisperForConditionalGeneration.from_pretrained(folder)
    pipe = pipeline("automatic-speech-recognition", folder, engine=engine, max_new_tokens=8)
    for seed in range(3):
        given = sound(seed)
        features = torch.from_numpy(Hearing(seconds=1).features(given)[None])
        start = torch.tensor([[2]])
        ids = GenerationMixin.generate(model, features, decoder_input_ids=start, max_new_tokens=8,
                                       do_sample=False)  # fmt: skip
        text = pipe.tokenizer.decode(ids[0].tolist(), skip_special_tokens=True)
        assert pipe(given) == {"text": text}
        assert pipe({"raw": given, "sampling_rate": 16_000}) == {"text": text}


def test_wav_files_are_read(tmp_path: Path) -> None:
    given = sound(4)
    found = open_sound(write(tmp_path / "a.wav", given), 16_000)
    np.testing.assert_allclose(found, given, atol=1e-4)


def test_sound_that_cannot_be_heard_is_refused(folder: Path, tmp_path: Path) -> None:
    pipe = pipeline(model=folder)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    refused: list[tuple[Any, type[Exception]]] = [
        (sound(1, 16_001), InvalidInput), (sound(1) * np.nan, InvalidInput),
        (np.zeros(0, np.float32), InvalidInput), (np.zeros((2, 9)), InvalidInput),
        (str(tmp_path / "b.wav"), InvalidInput), (str(tmp_path / "c.wav"), NotFound),
        ({"raw": sound(1), "sampling_rate": 0}, InvalidInput),
    ]  # fmt: skip
    for given, error in refused:
        with pytest.raises(error):
            pipe(given)
