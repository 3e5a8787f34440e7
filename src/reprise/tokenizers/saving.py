"""A tokenizer's files, each whole or absent, as transformers reads them."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.base.files import write_bytes
from reprise.tokenizers.added import AddedToken, read_added
from reprise.tokenizers.config import TokenizerConfig
from reprise.tokenizers.spec import TokenizerSpec

_TEMPLATE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def save(spec: TokenizerSpec, config: TokenizerConfig, folder: Path) -> list[Path]:
    """Write a tokenizer to a folder; return the files.

    tokenizer.json, tokenizer_config.json and special_tokens_map.json, chat_template.jinja when
    there is one. Tokenizers with a front end have vocab.json (and merges.txt) in place of
    tokenizer.json, as no other library could read one.

    Raises:
        InvalidInput: `folder` is a file, or a chat template's name cannot be a file's.
    """
    if folder.is_file():
        raise InvalidInput(f"{folder} is a file; pass a folder.")
    files = {**_model_files(spec), **_templates(config)}
    files["tokenizer_config.json"] = _json(_config(config))
    files["special_tokens_map.json"] = _json(_specials(config))
    for name, data in files.items():
        write_bytes(folder / name, data)
    return [folder / name for name in files]


def _model_files(spec: TokenizerSpec) -> dict[str, bytes]:
    if spec.frontend is None:
        return {"tokenizer.json": spec.to_json()}
    model = spec.data["model"]
    added = {entry["content"]: entry["id"] for entry in spec.data["added_tokens"]}
    files = {
        "vocab.json": _json(model["vocab"]),
        "added_tokens.json": _json({k: v for k, v in added.items() if k not in model["vocab"]}),
    }
    for side in ("source", "target"):
        if side in spec.data["frontend"]:
            files[f"{side}.spm"] = b64decode(spec.data["frontend"][side])
    if merges := spec.data["frontend"].get("merges"):
        lines = ["#version: 0.2", *(" ".join(merge) for merge in merges), ""]
        files["merges.txt"] = "\n".join(lines).encode()
    return files


def _config(config: TokenizerConfig) -> dict[str, Any]:
    found = {key: _plain(value) for key, value in config.rest.items()}
    found |= {name: token.content for name, token in config.specials.items()}
    if config.extra_specials:
        found["extra_special_tokens"] = [token.content for token in config.extra_specials]
    found |= {
        "clean_up_tokenization_spaces": config.clean_up_tokenization_spaces,
        "model_input_names": list(config.model_input_names),
        "model_max_length": config.model_max_length,
        "padding_side": config.padding_side,
        "truncation_side": config.truncation_side,
        "tokenizer_class": config.tokenizer_class or "PreTrainedTokenizerFast",
    }
    if config.split_special_tokens:
        found["split_special_tokens"] = True
    if config.pad_token_type_id:
        found["pad_token_type_id"] = config.pad_token_type_id
    return found


def _specials(config: TokenizerConfig) -> dict[str, Any]:
    found: dict[str, Any] = {name: _token(token) for name, token in config.specials.items()}
    if config.extra_specials:
        found["additional_special_tokens"] = [_token(token) for token in config.extra_specials]
    return found


def _token(token: AddedToken) -> Any:
    """Return a token as text if that says everything, else as an object."""
    entry = token.entry(0)
    fields = ("content", "lstrip", "normalized", "rstrip", "single_word")
    plain = read_added(token.content, special=True).entry(0)
    if entry == plain:
        return token.content
    return {name: entry[name] for name in fields}


def _templates(config: TokenizerConfig) -> dict[str, bytes]:
    template = config.chat_template
    if template is None:
        return {}
    named = {"default": template} if isinstance(template, str) else template
    files = {}
    for name, text in named.items():
        if not _TEMPLATE_NAME.fullmatch(name):
            raise InvalidInput(f"A chat template cannot be named {name!r:.80}.")
        path = f"additional_chat_templates/{name}.jinja"
        files["chat_template.jinja" if name == "default" else path] = text.encode()
    return files


def _plain(value: Any) -> Any:
    if isinstance(value, AddedToken):
        return value.content
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _json(data: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(dict(data), indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The tokenizer's configuration is not JSON: {error}") from None
    return f"{text}\n".encode()
