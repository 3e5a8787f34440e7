"""Tiny models of every family: what the matrix of model tests runs over.

A case is a configuration, the heads to try and the kind of input. `make_models.py` in `golden/`
asks the reference implementation once; the outputs are in git.
"""

from dataclasses import dataclass
from typing import Any

VOCABULARY = 50


@dataclass(frozen=True)
class Case:
    """One tiny configuration of one model type."""

    model_type: str
    config: dict[str, Any]
    heads: tuple[str, ...]
    inputs: str = "text"  # text, pair, seq2seq, pixels, clip, captions, mixed, speech, waves
    variant: str = ""
    reference: str = "5"  # "4": what version 5 of the reference lacks

    @property
    def name(self) -> str:
        return f"{self.model_type}-{self.variant}" if self.variant else self.model_type


_ENCODER = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 3,
    "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 24,
}  # fmt: skip
_BERT_HEADS = (
    "Model", "ForMaskedLM", "ForSequenceClassification", "ForMultipleChoice",
    "ForTokenClassification", "ForQuestionAnswering",
)  # fmt: skip
_ROBERTA_HEADS = (*_BERT_HEADS, "ForCausalLM")
_ROBERTA = _ENCODER | {"pad_token_id": 1}
_DEBERTA = _ENCODER | {
    "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False,
    "type_vocab_size": 0,
}  # fmt: skip
_DEBERTA_HEADS = (
    "Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification",
    "ForQuestionAnswering",
)  # fmt: skip
_LLAMA = _ENCODER | {
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_LLAMA_HEADS = (
    "Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification",
    "ForQuestionAnswering",
)  # fmt: skip
_GPT2 = {
    "vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 24,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_T5 = {
    "vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "num_layers": 2, "num_decoder_layers": 3,
    "num_heads": 4, "d_ff": 48, "decoder_start_token_id": 0,
}  # fmt: skip
_BART = {
    "vocab_size": VOCABULARY, "d_model": 32, "encoder_layers": 2, "decoder_layers": 3,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48, "max_position_embeddings": 24,
}  # fmt: skip
_BART_HEADS = (
    "Model", "ForConditionalGeneration", "ForSequenceClassification", "ForQuestionAnswering",
)  # fmt: skip
_ALONE = _BART | {"is_decoder": True, "is_encoder_decoder": False, "use_cache": False}

_MARIAN = {
    "activation_function": "swish", "scale_embedding": True, "pad_token_id": 0, "eos_token_id": 2,
    "decoder_start_token_id": 0,
}  # fmt: skip
_OPT = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 3, "ffn_dim": 48,
    "num_attention_heads": 4, "max_position_embeddings": 24, "word_embed_proj_dim": 32,
}  # fmt: skip
_OPT_HEADS = ("Model", "ForCausalLM", "ForSequenceClassification", "ForQuestionAnswering")

_IMAGE = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48,
    "image_size": 16, "patch_size": 4, "encoder_stride": 4,
}  # fmt: skip
_TEXT_TOWER = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 16,
    "projection_dim": 24, "eos_token_id": 2,
}  # fmt: skip
_IMAGE_TOWER = {key: value for key, value in _IMAGE.items() if key != "encoder_stride"}
_WHISPER = {
    "vocab_size": VOCABULARY, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48, "num_mel_bins": 8, "max_source_positions": 10,
    "max_target_positions": 16, "pad_token_id": 0, "decoder_start_token_id": 1,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_XLM = {
    "vocab_size": VOCABULARY, "emb_dim": 32, "n_layers": 3, "n_heads": 4, "n_langs": 3,
    "max_position_embeddings": 24, "pad_token_id": 2, "start_n_top": 3, "end_n_top": 2,
}  # fmt: skip
_XLM_HEADS = (
    "Model", "WithLMHeadModel", "ForSequenceClassification", "ForMultipleChoice",
    "ForTokenClassification", "ForQuestionAnsweringSimple", "ForQuestionAnswering",
)  # fmt: skip
_XLNET = {
    "vocab_size": VOCABULARY, "d_model": 32, "n_layer": 3, "n_head": 4, "d_inner": 48,
    "mem_len": 5, "pad_token_id": 0, "start_n_top": 3, "end_n_top": 2,
}  # fmt: skip
_XLNET_HEADS = (
    "Model", "LMHeadModel", "ForSequenceClassification", "ForMultipleChoice",
    "ForTokenClassification", "ForQuestionAnsweringSimple", "ForQuestionAnswering",
)  # fmt: skip
_TRANSFO_XL = {
    "vocab_size": VOCABULARY, "d_model": 32, "d_embed": 32, "n_layer": 3, "n_head": 4,
    "d_head": 6, "d_inner": 48, "mem_len": 5, "clamp_len": 4, "cutoffs": [10, 25, 40],
    "div_val": 2, "pad_token_id": 0,
}  # fmt: skip

_SEEN = {"model_type": "vit", "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 40, "image_size": 16, "patch_size": 4}  # fmt: skip
_WRITES = {"is_decoder": True, "add_cross_attention": True}
_WAVES = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
    "intermediate_size": 48, "conv_dim": [16, 16, 16], "conv_kernel": [10, 3, 2],
    "conv_stride": [5, 2, 2], "num_feat_extract_layers": 3, "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
}  # fmt: skip

CASES = [
    Case("bert", _ENCODER, (*_BERT_HEADS, "ForPreTraining", "ForNextSentencePrediction"), "pair"),
    Case("bert", _ENCODER | {"is_decoder": True}, ("LMHeadModel",), variant="decoder"),
    Case("roberta", _ROBERTA, _ROBERTA_HEADS),
    Case("xlm-roberta", _ROBERTA, _ROBERTA_HEADS),
    Case("camembert", _ROBERTA, _ROBERTA_HEADS),
    Case("mpnet", _ROBERTA, _BERT_HEADS),
    Case("distilbert", {
        "vocab_size": VOCABULARY, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48,
        "max_position_embeddings": 24}, _BERT_HEADS),
    Case("albert", _ENCODER | {"embedding_size": 16}, (*_BERT_HEADS, "ForPreTraining"), "pair"),
    Case("albert", _ENCODER | {"embedding_size": 16, "num_hidden_groups": 2,
         "num_hidden_layers": 4}, ("Model",), "pair", variant="groups"),
    Case("electra", _ENCODER | {"embedding_size": 16},
         (*_BERT_HEADS, "ForPreTraining", "ForCausalLM"), "pair"),
    Case("deberta", _DEBERTA | {"max_relative_positions": 12}, _DEBERTA_HEADS),
    Case("deberta-v2", _DEBERTA | {
        "position_buckets": 6, "max_relative_positions": 12, "share_att_key": True,
        "norm_rel_ebd": "layer_norm"}, (*_DEBERTA_HEADS, "ForMultipleChoice")),
    Case("deberta-v2", _DEBERTA | {
        "share_att_key": False, "conv_kernel_size": 3, "conv_act": "gelu", "type_vocab_size": 2,
        "position_biased_input": True, "legacy": False}, ("Model", "ForMaskedLM"), "pair",
        variant="convolution"),
    Case("modernbert", _ENCODER | {"local_attention": 4, "pad_token_id": 0, "cls_token_id": 1,
         "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2}, _BERT_HEADS),
    Case("gpt2", _GPT2, (
        "Model", "LMHeadModel", "DoubleHeadsModel", "ForSequenceClassification",
        "ForTokenClassification", "ForQuestionAnswering")),
    Case("gpt2", _GPT2 | {"scale_attn_by_inverse_layer_idx": True}, ("Model",), variant="scaled"),
    Case("llama", _LLAMA, _LLAMA_HEADS),
    Case("llama", _LLAMA | {"rope_parameters": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8, "rope_theta": 10000.0}}, ("ForCausalLM",),
        variant="llama3"),
    Case("openai-gpt", _GPT2, (
        "Model", "LMHeadModel", "DoubleHeadsModel", "ForSequenceClassification")),
    Case("ctrl", {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 3, "n_head": 4, "dff": 48,
         "n_positions": 24, "pad_token_id": 0},
         ("Model", "LMHeadModel", "ForSequenceClassification")),
    Case("mistral", _LLAMA | {"sliding_window": 3, "head_dim": 16}, _LLAMA_HEADS),
    Case("qwen2", _LLAMA, _LLAMA_HEADS),
    Case("qwen2", _LLAMA | {"use_sliding_window": True, "sliding_window": 3,
         "max_window_layers": 1}, ("ForCausalLM",), variant="window"),
    Case("qwen3", _LLAMA | {"head_dim": 16}, _LLAMA_HEADS),
    Case("gemma", _LLAMA | {"head_dim": 16}, _LLAMA_HEADS[:-1]),
    Case("gemma2", _LLAMA | {"head_dim": 16, "sliding_window": 3, "query_pre_attn_scalar": 20},
         _LLAMA_HEADS[:-1]),
    Case("phi", _LLAMA, _LLAMA_HEADS[:-1]),
    Case("phi", _LLAMA | {"qk_layernorm": True}, ("ForCausalLM",), variant="normed"),
    Case("phi3", _LLAMA | {"sliding_window": None}, _LLAMA_HEADS[:-1]),
    Case("phi3", _LLAMA | {"original_max_position_embeddings": 4, "sliding_window": None,
         "rope_parameters": {
            "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1, 1.2, 1.3],
            "long_factor": [1.5, 2.0, 2.5, 3.0]}}, ("ForCausalLM",), variant="longrope"),
    Case("gpt_neox", _LLAMA, _LLAMA_HEADS),
    Case("gpt_neox", _LLAMA | {"use_parallel_residual": False}, ("ForCausalLM",), variant="pre"),
    Case("bloom", {"vocab_size": VOCABULARY, "hidden_size": 36, "n_layer": 3, "n_head": 6,
         "pad_token_id": 0}, _LLAMA_HEADS),
    Case("opt", _OPT, _OPT_HEADS),
    Case("opt", _OPT | {"do_layer_norm_before": False, "word_embed_proj_dim": 16},
         ("Model", "ForCausalLM"), variant="350m"),
    Case("t5", _T5, ("Model", "ForConditionalGeneration", "ForSequenceClassification",
                     "ForQuestionAnswering"), "seq2seq"),
    Case("t5", _T5, ("EncoderModel", "ForTokenClassification"), variant="encoder"),
    Case("t5", _T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
         ("ForConditionalGeneration",), "seq2seq", variant="gated"),
    Case("mt5", _T5 | {"feed_forward_proj": "gated-gelu"},
         ("Model", "ForConditionalGeneration"), "seq2seq"),
    Case("bart", _BART, _BART_HEADS, "seq2seq"),
    Case("mbart", _BART | {"scale_embedding": True}, _BART_HEADS, "seq2seq"),
    Case("bart", _ALONE, ("ForCausalLM",), variant="decoder"),
    Case("bart", _ALONE, ("ForCausalLM",), "crossed", variant="crossed"),
    Case("mbart", _ALONE, ("ForCausalLM",), "crossed", variant="crossed"),
    Case("pegasus", _ALONE, ("ForCausalLM",), "crossed", variant="crossed"),
    Case("marian", _ALONE | _MARIAN, ("ForCausalLM",), variant="decoder"),
    Case("pegasus", _BART | {"scale_embedding": True}, _BART_HEADS[:2], "seq2seq"),
    Case("marian", _BART | _MARIAN, ("Model", "MTModel"), "seq2seq"),
    Case("marian", _BART | _MARIAN | {
        "share_encoder_decoder_embeddings": False, "tie_word_embeddings": False,
        "decoder_vocab_size": VOCABULARY}, ("Model", "MTModel"), "seq2seq", variant="apart"),
    Case("vit", _IMAGE, ("Model", "ForImageClassification", "ForMaskedImageModeling"), "pixels"),
    Case("deit", _IMAGE, (
        "Model", "ForImageClassification", "ForImageClassificationWithTeacher",
        "ForMaskedImageModeling"), "pixels"),
    Case("dinov2", _IMAGE_TOWER, ("Model", "ForImageClassification"), "pixels"),
    Case("dinov2", _IMAGE_TOWER | {"use_swiglu_ffn": True}, ("Model",), "pixels", variant="giant"),
    Case("clip", {"text_config": _TEXT_TOWER, "vision_config": _IMAGE_TOWER,
         "projection_dim": 24}, ("Model",), "clip"),
    Case("clip", {"text_config": _TEXT_TOWER, "vision_config": _IMAGE_TOWER,
         "projection_dim": 24}, ("ForImageClassification",), "pixels", variant="classifier"),
    Case("clip_text_model", _TEXT_TOWER, ("Model", "ModelWithProjection")),
    Case("clip_vision_model", _IMAGE_TOWER | {"projection_dim": 24},
         ("Model", "ModelWithProjection"), "pixels"),
    Case("vision-encoder-decoder", {
        "encoder": _SEEN, "decoder": {"model_type": "gpt2", **_GPT2, "n_embd": 24, **_WRITES}},
        ("Model",), "captions"),
    Case("vision-encoder-decoder", {
        "encoder": _SEEN | {"model_type": "deit"},
        "decoder": {"model_type": "bert", **_ENCODER, "hidden_size": 24, **_WRITES}},
        ("Model",), "captions", variant="bert"),
    Case("vision-encoder-decoder", {
        "encoder": _SEEN | {"model_type": "deit"}, "decoder": {
            "model_type": "trocr", "vocab_size": VOCABULARY, "d_model": 32, "decoder_layers": 2,
            "decoder_attention_heads": 4, "decoder_ffn_dim": 40, "max_position_embeddings": 24,
            "cross_attention_hidden_size": 24, "scale_embedding": True, **_WRITES}},
        ("Model",), "captions", variant="trocr"),
    Case("vilt", _ENCODER | {
        "image_size": 16, "patch_size": 4, "id2label": {0: "a", 1: "b", 2: "c"}},
        ("ForQuestionAnswering",), "mixed"),
    Case("wav2vec2", _WAVES, ("ForCTC",), "waves"),
    Case("wav2vec2", _WAVES | {
        "do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True},
        ("ForCTC",), "waves", variant="stable"),
    Case("hubert", _WAVES, ("ForCTC",), "waves"),
    Case("whisper", _WHISPER, ("Model", "ForConditionalGeneration"), "speech"),
    Case("whisper", _WHISPER | {
        "is_decoder": True, "is_encoder_decoder": False, "use_cache": False},
         ("ForCausalLM",), "crossed", variant="crossed"),
    Case("whisper", _WHISPER, ("ForAudioClassification",), "frames", variant="classifier"),
    Case("xlm", _XLM, _XLM_HEADS, "languages"),
    Case("xlm", _XLM | {
        "sinusoidal_embeddings": True, "gelu_activation": False, "use_lang_emb": False,
        "causal": True, "summary_type": "mean", "summary_activation": "tanh"},
        ("Model", "WithLMHeadModel", "ForSequenceClassification"), variant="causal"),
    Case("xlnet", _XLNET, _XLNET_HEADS, "left"),
    Case("xlnet", _XLNET | {"bi_data": True, "clamp_len": 3, "reuse_len": 2},
         ("Model", "LMHeadModel"), "permuted", variant="permuted"),
    Case("xlnet", _XLNET | {"attn_type": "uni", "same_length": True, "mem_len": None},
         ("Model",), "ids", variant="uni"),
    Case("transfo-xl", _TRANSFO_XL, ("Model", "LMHeadModel", "ForSequenceClassification"), "ids",
         reference="4"),
    Case("transfo-xl", _TRANSFO_XL | {
        "d_embed": 24, "div_val": 1, "untie_r": False, "pre_lnorm": True, "same_length": False,
        "tie_word_embeddings": False, "clamp_len": -1}, ("Model", "LMHeadModel"), "ids",
         variant="shared", reference="4"),
    Case("transfo-xl", _TRANSFO_XL, ("Model",), "remembered", variant="mems", reference="4"),
    Case("xlnet", _XLNET, ("Model",), "remembered", variant="mems"),
]  # fmt: skip
