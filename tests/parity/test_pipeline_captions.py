"""image-to-text beside transformers: an image model and a language model as one."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not find_spec("transformers") or not find_spec("PIL"):
    pytest.skip("needs transformers and Pillow", allow_module_level=True)

from reprise.base.errors import InvalidInput
from reprise.tasks import pipeline
from tests.pipeline_models import VOCABULARY, save, word_pieces

pytestmark = pytest.mark.filterwarnings("ignore")
VIT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 32,
       "intermediate_size": 40, "patch_size": 8, "initializer_range": 0.5}  # fmt: skip
GPT2 = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64,
        "initializer_range": 0.4}  # fmt: skip
BERT = {"vocab_size": VOCABULARY, "hidden_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 40, "initializer_range": 0.4}  # fmt: skip
TROCR = {"vocab_size": VOCABULARY, "d_model": 32, "decoder_layers": 2, "decoder_ffn_dim": 40,
         "decoder_attention_heads": 4, "cross_attention_hidden_size": 24, "init_std": 0.4,
         "scale_embedding": True}  # fmt: skip
PAIRS = {
    "vit-gpt2": ("ViTConfig", VIT, "GPT2Config", GPT2),
    "deit-bert": ("DeiTConfig", VIT, "BertConfig", BERT),
    "vit-roberta": ("ViTConfig", VIT, "RobertaConfig", BERT),
    "deit-trocr": ("DeiTConfig", VIT, "TrOCRConfig", TROCR),
}


def image(seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    return drawn.integers(0, 256, (40 + seed, 50, 3), dtype=np.uint8)


def theirs(folder: Path, name: str) -> Any:
    """Make a model of theirs in a folder, with a tokenizer and how its images are prepared."""
    import torch
    import transformers

    reader, seen, writer, told = PAIRS[name]
    torch.manual_seed(7)
    encoder = getattr(transformers, reader)(**seen)
    decoder = getattr(transformers, writer)(**told, is_decoder=True, add_cross_attention=True)
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 2, 0, 3
    model = transformers.VisionEncoderDecoderModel(config).eval()
    model.generation_config.decoder_start_token_id = 2
    model.generation_config.pad_token_id, model.generation_config.eos_token_id = 0, 3
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.normal_(0.5, 0.3)
    model.save_pretrained(folder)
    word_pieces().save_pretrained(folder)
    settings = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return transformers.VisionEncoderDecoderModel.from_pretrained(folder).eval()


@pytest.mark.parametrize("name", PAIRS)
def test_images_become_text(tmp_path: Path, name: str) -> None:
    import torch
    from transformers import AutoImageProcessor

    reference = theirs(tmp_path, name)
    processor = AutoImageProcessor.from_pretrained(tmp_path)
    for engine in ("onnx", "torch"):
        pipe = pipeline(model=tmp_path, engine=engine, max_new_tokens=8)
        assert pipe.task == "image-to-text"
        alone = []
        for seed in range(3):
            pixels = processor(image(seed), return_tensors="pt").pixel_values
            with torch.no_grad():
                ids = reference.generate(pixels, max_new_tokens=8, do_sample=False)[0].tolist()
            text = pipe.tokenizer.decode(ids, skip_special_tokens=True)
            alone.append([{"generated_text": text}])
            assert pipe(image(seed)) == alone[-1]
        assert pipe([image(seed) for seed in range(3)]) == alone
        found = pipe(image(0), num_beams=3, num_return_sequences=2)
        with torch.no_grad():
            pixels = processor(image(0), return_tensors="pt").pixel_values
            ids = reference.generate(pixels, max_new_tokens=8, num_beams=3, num_return_sequences=2)
        shown = [pipe.tokenizer.decode(row.tolist(), skip_special_tokens=True) for row in ids]
        assert [each["generated_text"] for each in found] == shown


def test_what_is_saved_is_read_by_the_reference(tmp_path: Path) -> None:
    import torch
    from transformers import VisionEncoderDecoderModel

    from reprise.models import AutoModelForVision2Seq

    theirs(tmp_path / "a", "vit-gpt2")
    model = AutoModelForVision2Seq.from_pretrained(tmp_path / "a", engine="torch")
    model.save_pretrained(tmp_path / "b")
    reference = VisionEncoderDecoderModel.from_pretrained(tmp_path / "b").eval()
    given = {"pixel_values": torch.randn(2, 3, 32, 32),
             "decoder_input_ids": torch.tensor([[2, 5, 9], [2, 8, 7]])}  # fmt: skip
    with torch.no_grad():
        expected, found = reference(**given).logits, model(**given).logits
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def test_models_that_do_not_write_of_images_are_refused(tmp_path: Path) -> None:
    save(tmp_path, "GPT2LMHeadModel", model_type="gpt2", **GPT2)
    with pytest.raises(InvalidInput, match="does not write of what it sees"):
        pipeline("image-to-text", tmp_path)
