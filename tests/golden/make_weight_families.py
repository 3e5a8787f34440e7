"""Make tests/golden/weights/families: one TensorFlow and one Flax file per family that had a class.

In the environment of make_weights.py:

    python tests/golden/make_weight_families.py

`expected.json` says which class of transformers wrote a file, its configuration, and the numbers
that transformers' own converters put into the torch model. Families whose files are laid out as
another's (mBART as BART, CamemBERT as RoBERTa, …) have one Flax file or none.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import make_weights as base
import transformers as hf
from transformers.modeling_tf_pytorch_utils import load_tf2_model_in_pytorch_model

FOLDER = Path(__file__).with_name("weights") / "families"
BERT = base.BERT_LIKE
SIDES = base.FAMILIES["bart"][2]
VISION = {
    "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
    "image_size": 8, "patch_size": 4,
}  # fmt: skip
SMALL = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 11}
TEXT = {**SMALL, "intermediate_size": 12, "max_position_embeddings": 6}
GPT = {"n_embd": 8, "n_layer": 2, "n_head": 2, "vocab_size": 11, "n_positions": 6}
DEBERTA = {**BERT, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]}
FAMILIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "xlm-roberta": ("XLMRobertaConfig", "XLMRobertaForMaskedLM", {**BERT, "pad_token_id": 1}),
    "mpnet": ("MPNetConfig", "MPNetForMaskedLM", {**BERT, "pad_token_id": 1}),
    "openai-gpt": ("OpenAIGPTConfig", "OpenAIGPTLMHeadModel", GPT),
    "ctrl": ("CTRLConfig", "CTRLLMHeadModel", {**GPT, "dff": 12}),
    "xlnet": (
        "XLNetConfig", "XLNetLMHeadModel",
        {"d_model": 8, "n_layer": 2, "n_head": 2, "d_inner": 12, "vocab_size": 11},
    ),
    "xlm": (
        "XLMConfig", "XLMWithLMHeadModel",
        {"emb_dim": 8, "n_layers": 2, "n_heads": 2, "vocab_size": 11, "n_langs": 2,
         "max_position_embeddings": 6, "use_lang_emb": True},
    ),
    "mbart": ("MBartConfig", "MBartForConditionalGeneration", SIDES),
    "pegasus": ("PegasusConfig", "PegasusForConditionalGeneration", SIDES),
    "marian": ("MarianConfig", "MarianMTModel", SIDES),
    "opt": (
        "OPTConfig", "OPTForCausalLM",
        {**SMALL, "ffn_dim": 12, "max_position_embeddings": 6, "word_embed_proj_dim": 8},
    ),
    "bloom": ("BloomConfig", "BloomForCausalLM", {"hidden_size": 8, "n_layer": 2, "n_head": 2,
                                                  "vocab_size": 11}),
    "mistral": ("MistralConfig", "MistralForCausalLM", {**TEXT, "num_key_value_heads": 1}),
    "mt5": ("MT5Config", "MT5ForConditionalGeneration", base.FAMILIES["t5"][2]),
    "deberta": (
        "DebertaConfig", "DebertaForMaskedLM", {**DEBERTA, "max_relative_positions": 4},
    ),
    "deberta-v2": (
        "DebertaV2Config", "DebertaV2ForMaskedLM",
        {**DEBERTA, "position_buckets": 4, "share_att_key": True, "norm_rel_ebd": "layer_norm"},
    ),
    "vit": ("ViTConfig", "ViTForImageClassification", VISION),
    "deit": ("DeiTConfig", "DeiTForImageClassification", VISION),
    "dinov2": ("Dinov2Config", "Dinov2ForImageClassification", VISION),
    "clip": (
        "CLIPConfig", "CLIPModel",
        {"text_config": TEXT, "vision_config": VISION, "projection_dim": 4},
    ),
    "whisper": (
        "WhisperConfig", "WhisperForConditionalGeneration",
        {**{key: value for key, value in SIDES.items() if key != "max_position_embeddings"},
         "num_mel_bins": 4, "max_source_positions": 8, "max_target_positions": 6,
         "suppress_tokens": None, "begin_suppress_tokens": None},
    ),
}  # fmt: skip
KERAS = (
    "mpnet openai-gpt ctrl xlnet xlm marian mistral deberta deberta-v2 vit deit clip whisper"
).split()
FLAX = "xlm-roberta mbart pegasus marian opt bloom mt5 vit dinov2 clip whisper".split()


def make_keras(family: str) -> None:
    model = getattr(hf, f"TF{FAMILIES[family][1]}")(base.config_of(family))
    model.build_in_name_scope()
    for weight in model.weights:
        weight.assign(base.numbers(weight.shape))
    model.save_weights(FOLDER / "h5" / f"{family}.h5")
    made = base.empty_torch_model(family)
    load_tf2_model_in_pytorch_model(made, model, allow_missing_keys=True)
    base.expect(f"h5/{family}.h5", family, made)


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "h5").mkdir(parents=True)
    base.FOLDER = FOLDER
    base.FAMILIES.update(FAMILIES)
    for family in KERAS:
        make_keras(family)
    for family in FLAX:
        base.make_flax(family)
    for value in base.EXPECTED.values():
        name = value["model_type"]
        value["class"] = FAMILIES[name][1]
        value["config"] = {**base.config_of(name).to_diff_dict(), "model_type": name}
    text = json.dumps(base.EXPECTED, indent=1, sort_keys=True)
    (FOLDER / "expected.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
