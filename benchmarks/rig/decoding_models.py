"""Checkpoints of known shapes with weights drawn from a seed, for us and for each peer.

    python -m benchmarks.rig.decoding_models SHAPE FOLDER own|ctranslate2|llama.cpp

`ctranslate2` and `llama.cpp` are written by an interpreter that has those libraries.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 50257,
        "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12,
        "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new"}  # fmt: skip
QWEN2 = {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "vocab_size": 151936,
         "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
         "num_attention_heads": 14, "num_key_value_heads": 2, "hidden_act": "silu",
         "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
         "tie_word_embeddings": True, "use_sliding_window": False}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {"gpt2-small": GPT2, "qwen2-0.5b": QWEN2}


def main() -> None:
    """Write what is asked for."""
    shape, folder, kind = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    {"own": own, "ctranslate2": ctranslate2, "llama.cpp": llama}[kind](SHAPES[shape], folder)


def own(config: dict[str, Any], folder: Path) -> None:
    """Write config.json and model.safetensors; the token table is the output layer, too."""
    from reprise.models import Config
    from reprise.models.plan import make_plan
    from reprise.models.weights import save_safetensors

    head = "LMHeadModel" if config["model_type"] == "gpt2" else "ForCausalLM"
    plan = make_plan(Config(config), head)
    rng = np.random.default_rng(1)
    listed = []
    for place in dict.fromkeys(plan.places.values()):
        shape = place.layout.shape([plan.shapes[name] for name in place.canonical])
        listed.append((place.stored, "F32", shape, drawn(rng, place.canonical[0], shape)))
    save_safetensors(folder, listed)
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def drawn(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> memoryview:
    """Draw a tensor: norms around 1, everything else around 0."""
    found = rng.standard_normal(shape, np.float32) * np.float32(0.02)
    if "norm" in name and name.endswith("weight"):
        found += 1
    return memoryview(np.ascontiguousarray(found))


def tensors(folder: Path) -> dict[str, np.ndarray]:
    """Read the checkpoint."""
    from reprise.models.weights import open_checkpoint

    found = open_checkpoint(folder / "model.safetensors")
    return {name.removeprefix("transformer.").removeprefix("model."): tensor.numpy()
            for name, tensor in found.items()}  # fmt: skip


def ctranslate2(config: dict[str, Any], folder: Path) -> None:
    """Write a model of CTranslate2, by its own description of such models."""
    from ctranslate2.specs import common_spec, transformer_spec

    made = transformer_spec.TransformerDecoderModelSpec
    if config["model_type"] == "gpt2":
        spec = made.from_config(config["n_layer"], config["n_head"], pre_norm=True,
                                activation=common_spec.Activation.GELUTanh)  # fmt: skip
        _gpt2_spec(spec.decoder, tensors(folder))
    else:
        spec = made.from_config(
            config["num_hidden_layers"], config["num_attention_heads"], pre_norm=True,
            activation=common_spec.Activation.SWISH, ffn_glu=True, rms_norm=True, rotary_dim=0,
            rotary_interleave=False, rotary_base=config["rope_theta"],
            num_heads_kv=config["num_key_value_heads"])  # fmt: skip
        _qwen2_spec(spec.decoder, tensors(folder))
        spec.config.layer_norm_epsilon = config["rms_norm_eps"]
    spec.decoder.scale_embeddings = False
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    spec.register_vocabulary([f"t{number}" for number in range(config["vocab_size"])])
    for word in ("bos_token", "eos_token", "unk_token"):
        setattr(spec.config, word, "t0")
    spec.validate()
    spec.optimize()
    (folder / "ctranslate2").mkdir(exist_ok=True)
    spec.save(str(folder / "ctranslate2"))


def _gpt2_spec(decoder: Any, weights: dict[str, np.ndarray]) -> None:
    decoder.embeddings.weight = weights["wte.weight"]
    decoder.position_encodings.encodings = weights["wpe.weight"]
    _norm(decoder.layer_norm, weights, "ln_f")
    for number, layer in enumerate(decoder.layer):
        name = f"h.{number}"
        _norm(layer.self_attention.layer_norm, weights, f"{name}.ln_1")
        _norm(layer.ffn.layer_norm, weights, f"{name}.ln_2")
        pairs = ((layer.self_attention.linear[0], "attn.c_attn"), (layer.ffn.linear_0, "mlp.c_fc"),
                 (layer.self_attention.linear[1], "attn.c_proj"),
                 (layer.ffn.linear_1, "mlp.c_proj"))  # fmt: skip
        for linear, part in pairs:
            linear.weight = np.ascontiguousarray(weights[f"{name}.{part}.weight"].T)
            linear.bias = weights[f"{name}.{part}.bias"]


def _qwen2_spec(decoder: Any, weights: dict[str, np.ndarray]) -> None:
    decoder.embeddings.weight = weights["embed_tokens.weight"]
    decoder.layer_norm.gamma = weights["norm.weight"]
    for number, layer in enumerate(decoder.layer):
        name = f"layers.{number}"
        layer.self_attention.layer_norm.gamma = weights[f"{name}.input_layernorm.weight"]
        layer.ffn.layer_norm.gamma = weights[f"{name}.post_attention_layernorm.weight"]
        first = layer.self_attention.linear[0]
        for kind in ("weight", "bias"):
            parts = [weights[f"{name}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            setattr(first, kind, np.concatenate(parts))
        layer.self_attention.linear[1].weight = weights[f"{name}.self_attn.o_proj.weight"]
        for linear, part in ((layer.ffn.linear_0, "gate"), (layer.ffn.linear_0_noact, "up"),
                             (layer.ffn.linear_1, "down")):  # fmt: skip
            linear.weight = weights[f"{name}.mlp.{part}_proj.weight"]


def _norm(spec: Any, weights: dict[str, np.ndarray], name: str) -> None:
    spec.gamma, spec.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]


def llama(config: dict[str, Any], folder: Path) -> None:
    """Write GGUF files: float32, Q8_0 and Q4_0, the token table included."""
    from gguf import GGMLQuantizationType as Kind
    from gguf import GGUFWriter, quants

    for word, kind in (("f32", Kind.F32), ("q8_0", Kind.Q8_0), ("q4_0", Kind.Q4_0)):
        writer = GGUFWriter(folder / f"model-{word}.gguf", config["model_type"])
        _describe(writer, config)
        for name, array in _renamed(config, tensors(folder)):
            matrix = array.ndim > 1 and name != "position_embd.weight"
            whole = np.ascontiguousarray(array)
            if matrix and kind != Kind.F32:
                writer.add_tensor(name, quants.quantize(whole, kind), raw_dtype=kind)
            else:
                writer.add_tensor(name, whole)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def _describe(writer: Any, config: dict[str, Any]) -> None:
    gpt2 = config["model_type"] == "gpt2"
    width = config["n_embd" if gpt2 else "hidden_size"]
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["n_positions" if gpt2 else "max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(4 * width if gpt2 else config["intermediate_size"])
    writer.add_block_count(config["n_layer" if gpt2 else "num_hidden_layers"])
    writer.add_head_count(config["n_head" if gpt2 else "num_attention_heads"])
    if gpt2:
        writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    else:
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_rope_freq_base(config["rope_theta"])


_GGUF_GPT2 = {
    "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "ln_1": "attn_norm",
    "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}  # fmt: skip
_GGUF_QWEN2 = {
    "embed_tokens": "token_embd", "norm": "output_norm", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def _renamed(config: dict[str, Any], weights: dict[str, np.ndarray]
             ) -> Iterator[tuple[str, np.ndarray]]:  # fmt: skip
    gpt2 = config["model_type"] == "gpt2"
    table = _GGUF_GPT2 if gpt2 else _GGUF_QWEN2
    for name, array in weights.items():
        parts = name.split(".")
        number = f"blk.{parts[1]}." if parts[0] in {"h", "layers"} else ""
        module = ".".join(parts[2:-1] if number else parts[:-1])
        turned = gpt2 and number and array.ndim > 1  # stored [in, out]
        yield f"{number}{table[module]}.{parts[-1]}", array.T if turned else array


if __name__ == "__main__":
    main()
