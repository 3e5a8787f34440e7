"""Sound of any length beside transformers: whole results, times among them, tiny seeded Whisper."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not find_spec("transformers"):
    pytest.skip("needs transformers", allow_module_level=True)

from reprise.base.errors import InvalidInput, NotSupported
from reprise.tasks import pipeline
from tests.pipeline_models import texts

pytestmark = pytest.mark.filterwarnings("ignore")
RATE = 16_000
WORDS = 290
SPECIALS = ["<|startoftranscript|>", "<|en|>", "<|de|>", "<|transcribe|>", "<|translate|>",
            "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
TIMES = 1501


def sound(seed: int, seconds: float) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    loud = np.repeat(drawn.uniform(0.01, 0.3, int(seconds) + 1), RATE)[: int(seconds * RATE)]
    return np.asarray(drawn.standard_normal(len(loud)) * loud, np.float32)


def tokenizer(folder: Path) -> Any:
    from transformers import WhisperTokenizer

    from reprise.tokenizers import Tokenizer

    learned = Tokenizer.train_new("BPE", texts(100), vocab_size=WORDS)
    model = json.loads(json.dumps(dict(learned.spec.data)))["model"]
    merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
    made = WhisperTokenizer(vocab=model["vocab"], merges=merges)
    made.add_special_tokens({"additional_special_tokens": SPECIALS})
    made.add_tokens([f"<|{number * 0.02:.2f}|>" for number in range(TIMES)])
    made.save_pretrained(folder)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    made = tmp_path_factory.mktemp("whisper")
    known = tokenizer(made)
    ids = {name: known.convert_tokens_to_ids(name) for name in [*SPECIALS, "<|endoftext|>"]}
    end = ids["<|endoftext|>"]
    config = WhisperConfig(
        vocab_size=len(known), d_model=16, encoder_layers=1, decoder_layers=1, num_mel_bins=80,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=24,
        decoder_ffn_dim=24, max_source_positions=1500, max_target_positions=64, pad_token_id=end,
        bos_token_id=end, eos_token_id=end, init_std=0.9, suppress_tokens=None,
        decoder_start_token_id=ids["<|startoftranscript|>"], begin_suppress_tokens=None,
    )  # fmt: skip
    torch.manual_seed(5)
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():  # whatever lies behind some text is a time, so that sentences end
        table = model.model.decoder.embed_tokens.weight
        table[-TIMES:] *= 0.55
    model.save_pretrained(made)
    told = {"no_timestamps_token_id": ids["<|notimestamps|>"], "max_initial_timestamp_index": 50,
            "decoder_start_token_id": ids["<|startoftranscript|>"], "is_multilingual": False,
            "return_timestamps": False, "bos_token_id": end, "eos_token_id": end,
            "pad_token_id": end, "max_length": 60}  # fmt: skip
    (made / "generation_config.json").write_text(json.dumps(told))
    WhisperFeatureExtractor().save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    from transformers import pipeline as reference

    return reference("automatic-speech-recognition", str(folder))


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize(
    ("seconds", "options"),
    [
        (7, {"return_timestamps": True}),
        (47, {}),
        (95, {"return_timestamps": True}),
        (70, {"chunk_length_s": 20}),
        (70, {"chunk_length_s": 20, "return_timestamps": True}),
        (50, {"chunk_length_s": 10, "stride_length_s": (4, 2), "return_timestamps": True}),
        (21, {"chunk_length_s": 30, "stride_length_s": 5}),
    ],
)
def test_long_sound(
    folder: Path, theirs: Any, engine: str, seconds: int, options: dict[str, Any]
) -> None:
    ours = pipeline("automatic-speech-recognition", folder, engine=engine, max_new_tokens=24)
    for seed in range(2):
        given = sound(seed, seconds)
        follows = {} if "chunk_length_s" in options else {"return_timestamps": True}
        expected = theirs(given.copy(), num_beams=1, max_new_tokens=24, **{**follows, **options})
        if "return_timestamps" not in options:
            expected.pop("chunks", None)
        assert ours(given, **options) == expected


@pytest.fixture(scope="module")
def several(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, told that it knows two languages and two tasks."""
    made = tmp_path_factory.mktemp("several") / "whisper"
    shutil.copytree(folder, made)
    file = made / "generation_config.json"
    known = pipeline("automatic-speech-recognition", folder).tokenizer.get_vocab()
    told = {"is_multilingual": True, "lang_to_id": {n: known[n] for n in ("<|en|>", "<|de|>")},
            "task_to_id": {n: known[f"<|{n}|>"] for n in ("transcribe", "translate")}}  # fmt: skip
    file.write_text(json.dumps(json.loads(file.read_text()) | told))
    return made


@pytest.mark.parametrize(
    "options",
    [
        {"generate_kwargs": {"task": "transcribe"}},
        {"generate_kwargs": {"task": "translate"}, "return_timestamps": True},
        {"generate_kwargs": {"language": "de", "task": "translate"}, "return_timestamps": True},
        {"generate_kwargs": {"task": "transcribe"}, "chunk_length_s": 20},
    ],
)
def test_the_language_is_said_or_heard(several: Path, options: dict[str, Any]) -> None:
    from transformers import pipeline as reference

    theirs = reference("automatic-speech-recognition", str(several))
    ours = pipeline("automatic-speech-recognition", several, max_new_tokens=16)
    long = "return_timestamps" in options or "chunk_length_s" in options
    for seed in range(3):
        given = sound(seed, 41 if long else 9)
        told = {"num_beams": 1, "max_new_tokens": 16, **options["generate_kwargs"]}
        assert ours(given, **options) == theirs(
            given.copy(), **{**options, "generate_kwargs": told}
        )


def test_sounds_of_all_lengths_are_heard_together(folder: Path) -> None:
    pipe = pipeline("automatic-speech-recognition", folder, max_new_tokens=16)
    given = [sound(seed, seconds) for seed, seconds in enumerate((3, 65, 31, 12))]
    assert pipe(given) == [pipe(one) for one in given]


def test_what_cannot_be_is_refused(folder: Path) -> None:
    pipe = pipeline("automatic-speech-recognition", folder)
    for options, error in (
        ({"return_timestamps": "word"}, NotSupported),
        ({"chunk_length_s": 31}, InvalidInput),
        ({"chunk_length_s": 9, "stride_length_s": 5}, InvalidInput),
        ({"chunk_length_s": "long"}, InvalidInput),
        ({"chunk_length_s": 9, "stride_length_s": (1, 2, 3)}, InvalidInput),
    ):
        with pytest.raises(error):
            pipe(sound(1, 3), **options)
