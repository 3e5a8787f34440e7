"""Make the golden files of tests/golden/weights with the real frameworks.

Run it in an environment of its own, where transformers still has TensorFlow and Flax models:

    pip install tensorflow-cpu==2.21.0 tf-keras==2.21.0 flax==0.12.8 h5py transformers==4.46.3 \
        torch==2.13.0 gguf==0.19.0
    python tests/golden/make_weights.py

Each family is one tiny model with random numbers everywhere. What its weights are called in
transformers, and which numbers they hold there, is what transformers' own converters say.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")

import flax.serialization
import flax.traverse_util
import gguf
import jax.numpy as jnp
import numpy as np
import tensorflow as tf
import torch
import transformers as hf

# transformers' Flax models stopped before JAX renamed these arguments.
_CLIP = jnp.clip
jnp.clip = lambda x, a_min=None, a_max=None: _CLIP(x, min=a_min, max=a_max)

FOLDER = Path(__file__).with_name("weights")
EXPECTED: dict[str, Any] = {}
RANDOM = np.random.default_rng(20_26)

BERT_LIKE = {
    "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
    "vocab_size": 11, "max_position_embeddings": 6,
}  # fmt: skip
FAMILIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("BertConfig", "BertForPreTraining", BERT_LIKE),
    "roberta": ("RobertaConfig", "RobertaForMaskedLM", {**BERT_LIKE, "pad_token_id": 1}),
    "distilbert": (
        "DistilBertConfig", "DistilBertForSequenceClassification",
        {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 12, "vocab_size": 11,
         "max_position_embeddings": 6},
    ),
    "albert": ("AlbertConfig", "AlbertForMaskedLM", {**BERT_LIKE, "embedding_size": 4}),
    "electra": ("ElectraConfig", "ElectraForPreTraining", {**BERT_LIKE, "embedding_size": 4}),
    "gpt2": (
        "GPT2Config", "GPT2LMHeadModel",
        {"n_embd": 8, "n_layer": 2, "n_head": 2, "n_inner": 12, "vocab_size": 11,
         "n_positions": 6},
    ),
    "t5": (
        "T5Config", "T5ForConditionalGeneration",
        {"d_model": 8, "d_kv": 4, "d_ff": 12, "num_layers": 2, "num_heads": 2, "vocab_size": 11,
         "relative_attention_num_buckets": 4, "feed_forward_proj": "gated-gelu",
         "tie_word_embeddings": False},
    ),
    "bart": (
        "BartConfig", "BartForConditionalGeneration",
        {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
         "decoder_attention_heads": 2, "encoder_ffn_dim": 12, "decoder_ffn_dim": 12,
         "vocab_size": 11, "max_position_embeddings": 6, "pad_token_id": 1, "bos_token_id": 0,
         "eos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 2},
    ),
}  # fmt: skip


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for family in FAMILIES:
        make_h5(family)
        make_flax(family)
    make_shards("bart", "TF")
    make_shards("bart", "Flax")
    make_tf2()
    for family, names in TF1.items():
        make_tf1(family, names())
    make_every_type()
    make_gguf()
    for state in FOLDER.rglob("checkpoint"):
        state.unlink()  # it names the newest, by its path on this machine
    text = json.dumps(EXPECTED, indent=1, sort_keys=True) + "\n"
    (FOLDER / "expected.json").write_text(text)


def numbers(shape: Any) -> np.ndarray:
    return RANDOM.standard_normal(tuple(shape)).astype("float32")


def digest(array: Any) -> list[Any]:
    plain = np.ascontiguousarray(np.asarray(array))
    return [list(np.shape(array)), hashlib.sha256(plain.tobytes()).hexdigest()[:16]]


def config_of(family: str) -> Any:
    name, _, fields = FAMILIES[family]
    return getattr(hf, name)(**fields)


def expect(path: str, family: str, model: torch.nn.Module) -> None:
    """Keep what transformers made of a file: every parameter that is no longer NaN."""
    found = {name: value.detach().numpy() for name, value in model.named_parameters()}
    found |= {n: b.numpy() for n, b in model.named_buffers() if n == "final_logits_bias"}
    EXPECTED[path] = {
        "model_type": family,
        "tensors": {n: digest(v) for n, v in found.items() if not np.isnan(v).any()},
        "absent": sorted(name for name, value in found.items() if np.isnan(value).any()),
    }


def empty_torch_model(family: str, task: str | None = None) -> Any:
    model = getattr(hf, task or FAMILIES[family][1])(config_of(family))
    with torch.no_grad():
        for value in [*model.parameters(), *model.buffers()]:
            if value.dtype.is_floating_point:
                value.fill_(float("nan"))
    return model


def make_h5(family: str) -> None:
    model = getattr(hf, f"TF{FAMILIES[family][1]}")(config_of(family))
    inputs = {name: tf.constant([[2, 3, 4]]) for name in ("input_ids", "decoder_input_ids")}
    if family not in {"t5", "bart"}:
        del inputs["decoder_input_ids"]
    model(inputs)
    for weight in model.weights:
        weight.assign(numbers(weight.shape))
    (FOLDER / "h5").mkdir(exist_ok=True)
    model.save_weights(FOLDER / "h5" / f"{family}.h5")
    made = empty_torch_model(family)
    from transformers.modeling_tf_pytorch_utils import load_tf2_model_in_pytorch_model

    load_tf2_model_in_pytorch_model(made, model, allow_missing_keys=True)
    expect(f"h5/{family}.h5", family, made)


def make_shards(family: str, framework: str) -> None:
    """What save_pretrained writes when it has to cut; the names in it differ a little."""
    model = getattr(hf, f"{framework}{FAMILIES[family][1]}")(config_of(family))
    folder = FOLDER / "shards" / framework.lower()
    if framework == "TF":
        model(model.dummy_inputs)
        for weight in model.weights:
            weight.assign(numbers(weight.shape))
        model.save_pretrained(folder, max_shard_size="6KB")
    else:
        flat = flax.traverse_util.flatten_dict(model.params)
        model.params = flax.traverse_util.unflatten_dict(
            {name: jnp.asarray(numbers(value.shape)) for name, value in sorted(flat.items())}
        )
        model.save_pretrained(folder, max_shard_size="6KB")
    for path in folder.glob("*config.json"):
        path.unlink()
    made = empty_torch_model(family)
    if framework == "TF":
        from transformers.modeling_tf_pytorch_utils import load_tf2_model_in_pytorch_model

        load_tf2_model_in_pytorch_model(made, model, allow_missing_keys=True)
    else:
        from transformers.modeling_flax_pytorch_utils import load_flax_weights_in_pytorch_model

        load_flax_weights_in_pytorch_model(made, model.params)
    expect(f"shards/{framework.lower()}", family, made)


def make_flax(family: str) -> None:
    task = FAMILIES[family][1]
    model = getattr(hf, f"Flax{task}")(config_of(family))
    flat = flax.traverse_util.flatten_dict(model.params)
    params = flax.traverse_util.unflatten_dict(
        {name: jnp.asarray(numbers(value.shape)) for name, value in sorted(flat.items())}
    )
    (FOLDER / "flax").mkdir(exist_ok=True)
    path = FOLDER / "flax" / f"{family}.msgpack"
    path.write_bytes(flax.serialization.to_bytes(params))
    made = empty_torch_model(family)
    from transformers.modeling_flax_pytorch_utils import load_flax_checkpoint_in_pytorch_model

    load_flax_checkpoint_in_pytorch_model(made, path)
    expect(f"flax/{family}.msgpack", family, made)


def make_tf2() -> None:
    """A TensorFlow 2 checkpoint of objects, with an optimizer's slots."""
    model = hf.TFBertForPreTraining(config_of("bert"))
    optimizer = tf.keras.optimizers.legacy.Adam()
    with tf.GradientTape() as tape:
        out = model({"input_ids": tf.constant([[2, 3, 4]])})
        loss = tf.reduce_sum(out.prediction_logits) + tf.reduce_sum(out.seq_relationship_logits)
    pairs = zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights, strict=True)
    optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
    for weight in model.weights:
        weight.assign(numbers(weight.shape))
    (FOLDER / "tf2").mkdir()
    saved = tf.train.Checkpoint(model=model, optimizer=optimizer)
    saved.save(str(FOLDER / "tf2" / "ckpt"))
    made = empty_torch_model("bert")
    from transformers.modeling_tf_pytorch_utils import load_tf2_model_in_pytorch_model

    load_tf2_model_in_pytorch_model(made, model, allow_missing_keys=True)
    expect("tf2/ckpt-1.index", "bert", made)


def bert_layer(prefix: str, hidden: int = 8, inner: int = 12) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for name, rows, columns in (
        ("attention/self/query", hidden, hidden), ("attention/self/key", hidden, hidden),
        ("attention/self/value", hidden, hidden), ("attention/output/dense", hidden, hidden),
        ("intermediate/dense", hidden, inner), ("output/dense", inner, hidden),
    ):  # fmt: skip
        found |= dense(f"{prefix}/{name}", rows, columns)
    for name in ("attention/output", "output"):
        found |= norm(f"{prefix}/{name}/LayerNorm", hidden)
    return found


def dense(prefix: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{prefix}/kernel": (rows, columns), f"{prefix}/bias": (columns,)}


def norm(prefix: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{prefix}/gamma": (size,), f"{prefix}/beta": (size,)}


def embeddings(prefix: str, size: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{prefix}/word_embeddings": (11, size),
        f"{prefix}/position_embeddings": (6, size),
        f"{prefix}/token_type_embeddings": (2, size),
        **norm(f"{prefix}/LayerNorm", size),
    }


def tf1_bert() -> dict[str, tuple[int, ...]]:
    return {
        **embeddings("bert/embeddings", 8),
        **bert_layer("bert/encoder/layer_0"),
        **bert_layer("bert/encoder/layer_1"),
        **dense("bert/pooler/dense", 8, 8),
        **dense("cls/predictions/transform/dense", 8, 8),
        **norm("cls/predictions/transform/LayerNorm", 8),
        "cls/predictions/output_bias": (11,),
        "cls/seq_relationship/output_weights": (2, 8),
        "cls/seq_relationship/output_bias": (2,),
        "bert/pooler/dense/kernel/adam_m": (8, 8),
        "bert/pooler/dense/kernel/adam_v": (8, 8),
        "global_step": (),
    }


def tf1_albert() -> dict[str, tuple[int, ...]]:
    inner = "bert/encoder/transformer/group_0/inner_group_0"
    return {
        **embeddings("bert/embeddings", 4),
        **dense("bert/encoder/embedding_hidden_mapping_in", 4, 8),
        **{k: v for name in ("query", "key", "value")
           for k, v in dense(f"{inner}/attention_1/self/{name}", 8, 8).items()},
        **dense(f"{inner}/attention_1/output/dense", 8, 8),
        **dense(f"{inner}/ffn_1/intermediate/dense", 8, 12),
        **dense(f"{inner}/ffn_1/intermediate/output/dense", 12, 8),
        **norm(f"{inner}/LayerNorm", 8),
        **norm(f"{inner}/LayerNorm_1", 8),
        **dense("bert/pooler/dense", 8, 8),
        **dense("cls/predictions/transform/dense", 8, 4),
        **norm("cls/predictions/transform/LayerNorm", 4),
        "cls/predictions/output_bias": (11,),
        "cls/seq_relationship/output_weights": (2, 8),
        "cls/seq_relationship/output_bias": (2,),
        "global_step": (),
    }  # fmt: skip


def tf1_electra() -> dict[str, tuple[int, ...]]:
    found = embeddings("electra/embeddings", 4)
    for part in ("electra", "generator"):
        found |= dense(f"{part}/embeddings_project", 4, 8)
        found |= bert_layer(f"{part}/encoder/layer_0") | bert_layer(f"{part}/encoder/layer_1")
    return {
        **found,
        **dense("discriminator_predictions/dense", 8, 8),
        **dense("discriminator_predictions/dense_1", 8, 1),
        **dense("generator_predictions/dense", 8, 4),
        **norm("generator_predictions/LayerNorm", 4),
        "generator_predictions/output_bias": (11,),
        "global_step": (),
    }


def tf1_gpt2() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"model/wte": (11, 8), "model/wpe": (6, 8)}
    for layer in ("model/h0", "model/h1"):
        sizes = {"attn/c_attn": (8, 24), "attn/c_proj": (8, 8), "mlp/c_fc": (8, 12),
                 "mlp/c_proj": (12, 8)}  # fmt: skip
        for name, (rows, columns) in sizes.items():
            found |= {f"{layer}/{name}/w": (1, rows, columns), f"{layer}/{name}/b": (columns,)}
        for name in ("ln_1", "ln_2"):
            found |= {f"{layer}/{name}/g": (8,), f"{layer}/{name}/b": (8,)}
    return {**found, "model/ln_f/g": (8,), "model/ln_f/b": (8,)}


def tf1_t5() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"shared/embedding": (11, 8), "global_step": ()}
    for stack in ("encoder", "decoder"):
        for layer in range(2):
            block = f"{stack}/block_{layer:03d}"
            kinds = ["SelfAttention"] + ["EncDecAttention"] * (stack == "decoder")
            for place, kind in enumerate(kinds):
                for name in "qkvo":
                    found[f"{block}/layer_{place:03d}/{kind}/{name}"] = (8, 8)
                found[f"{block}/layer_{place:03d}/layer_norm/scale"] = (8,)
            if layer == 0:
                found[f"{block}/layer_000/SelfAttention/relative_attention_bias"] = (2, 4)
            last = f"{block}/layer_{len(kinds):03d}"
            for name in ("wi_0", "wi_1"):
                found[f"{last}/DenseReluDense/{name}/kernel"] = (8, 12)
            found[f"{last}/DenseReluDense/wo/kernel"] = (12, 8)
            found[f"{last}/DenseReluDense/wo/kernel_slot_vc"] = (12,)
            found[f"{last}/layer_norm/scale"] = (8,)
        found[f"{stack}/final_layer_norm/scale"] = (8,)
    return {**found, "decoder/logits/kernel": (8, 11)}


TF1: dict[str, Callable[[], dict[str, tuple[int, ...]]]] = {
    "bert": tf1_bert, "albert": tf1_albert, "electra": tf1_electra, "gpt2": tf1_gpt2, "t5": tf1_t5,
}  # fmt: skip


def save_tf1(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in arrays.items():
            tf.compat.v1.get_variable(name, initializer=tf.constant(array), use_resource=True)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(path), write_meta_graph=False)


def make_tf1(family: str, shapes: dict[str, tuple[int, ...]]) -> None:
    path = FOLDER / "tf1" / family / "model.ckpt"
    save_tf1(path, {name: numbers(shape) for name, shape in shapes.items()})
    task = {"albert": "AlbertForPreTraining"}.get(family, FAMILIES[family][1])
    task = {"gpt2": "GPT2Model"}.get(family, task)
    made = empty_torch_model(family, task)
    module = __import__(f"transformers.models.{family}.modeling_{family}", fromlist=["_"])
    load = getattr(module, f"load_tf_weights_in_{family}")
    load(made, made.config, str(path))
    expect(f"tf1/{family}/model.ckpt.index", family, made)
    if family == "electra":
        made = empty_torch_model(family, "ElectraForMaskedLM")
        load(made, made.config, str(path), discriminator_or_generator="generator")
        expect("tf1/electra/model.ckpt.index (generator)", family, made)


def make_every_type() -> None:
    """Every type of number in TensorFlow and in Flax; a scalar, an empty array, many names."""
    values = numbers((2, 3)) * 3
    names = (
        "float32 float16 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool "
        "complex64 complex128 float8_e4m3fn float8_e5m2"
    ).split()
    arrays = {f"v/{n}": values.astype(tf.as_dtype(n).as_numpy_dtype) for n in names}
    arrays |= {"scalar": np.float32(3.5), "empty": np.zeros((0, 3), "float32")}
    many = {f"many/layer_{n}/kernel": np.full(2, n, "float32") for n in range(200)}
    save_tf1(FOLDER / "types" / "model.ckpt", {**arrays, **many, "text": np.array(["a", "b"])})
    tree = {**{n.replace("/", "_"): a for n, a in arrays.items()}, "count": 3, "list": [values]}
    (FOLDER / "types" / "all.msgpack").write_bytes(flax.serialization.to_bytes(tree))
    flax.serialization.MAX_CHUNK_SIZE = 16
    (FOLDER / "types" / "chunked.msgpack").write_bytes(flax.serialization.to_bytes({"big": values}))
    EXPECTED["types"] = {
        n: [str(a.dtype), *digest(a)] for n, a in {**arrays, "big": values}.items()
    }


def make_gguf() -> None:
    values = numbers((4, 64))
    kinds = gguf.GGMLQuantizationType
    writer = gguf.GGUFWriter(FOLDER / "types" / "model.gguf", "llama")
    writer.add_uint32("llama.block_count", 3)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "é"])
    writer.add_array("tokenizer.ggml.scores", [1.5, 2.0])
    writer.add_bool("flag", True)
    expected = {}
    for kind in (kinds.F32, kinds.F16, kinds.BF16, kinds.Q8_0, kinds.Q4_0, kinds.Q5_0):
        stored = gguf.quants.quantize(values, kind)
        writer.add_tensor(kind.name, stored, raw_dtype=kind)
        expected[kind.name] = digest(gguf.quants.dequantize(stored, kind).astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    EXPECTED["gguf"] = expected


if __name__ == "__main__":
    main()
