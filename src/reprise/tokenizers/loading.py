"""From a folder of files to a tokenizer's data and what surrounds it."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.tokenizers.adapting import adapt
from reprise.tokenizers.added import AddedToken, with_added
from reprise.tokenizers.config import TokenizerConfig, place_of, read_config, read_templates
from reprise.tokenizers.families import by_class, by_model_type
from reprise.tokenizers.family import GENERIC, Family
from reprise.tokenizers.folder import Folder, open_folder
from reprise.tokenizers.listed import listed_tokens, old_tokens
from reprise.tokenizers.spec import TokenizerSpec

_PLACE = ("revision", "subfolder", "endpoint", "token", "offline")
# What older code passes and what means nothing here: there is one kind of tokenizer, and no code
# of a repo is ever run.
_IGNORED = frozenset(
    "use_fast trust_remote_code from_slow legacy_format cache_dir force_download proxies "
    "local_files_only tokenizer_type config".split()
)
_NOT_CONFIG = frozenset("added_tokens_decoder auto_map tokenizer_file vocab_file".split())
_MAX_TEMPLATE = 4 << 20


def load_parts(
    name_or_path: str | PathLike[str],
    *,
    family: Family | None = None,
    **options: Any,
) -> tuple[TokenizerSpec, TokenizerConfig]:
    """Read a tokenizer: its tokenizer.json, else its family's own files.

    Args:
        name_or_path: A folder or a repo.
        family: Whose rules hold, when the caller knows better than the files.
        **options: `revision`, `subfolder`, `endpoint`, `token`, `offline`; everything else
            overrides the tokenizer's configuration: `pad_token="[PAD]"`, `do_lower_case=False`.

    Raises:
        EntryNotFound: None of the files is there.
        InvalidFormat: One of them is broken; the message names it.
    """
    place = {key: options[key] for key in _PLACE if key in options}
    if options.get("local_files_only"):
        place.setdefault("offline", True)
    dropped = _IGNORED | set(_PLACE)
    given = {key: value for key, value in options.items() if key not in dropped}
    folder = open_folder(name_or_path, **place)
    stored = folder.json("tokenizer_config.json")
    family = family or _family(folder, {**stored, **given})
    settings = {**_special_tokens(folder, stored), **_templates(folder), **given}
    spec, extra = _spec(folder, family, {**stored, **settings})
    config = _config(family, {**stored, **settings}, extra)
    config = replace(config, name_or_path=str(name_or_path))
    spec = _with_tokens(spec, folder, stored, config)
    return adapt(spec, config, {**stored, **settings}, family), config


def _family(folder: Folder, stored: Mapping[str, Any]) -> Family:
    """Choose the family: the class that the files name, else the model's type."""
    name = stored.get("tokenizer_class")
    found = by_class(name) if isinstance(name, str) else None
    if found is not None and found is not GENERIC:
        return found
    model_type = folder.json("config.json").get("model_type")
    typed = by_model_type(model_type) if isinstance(model_type, str) else None
    if found is GENERIC and folder.has("tokenizer.json"):
        return GENERIC  # the file is all there is to know
    return typed or found or GENERIC


def _spec(
    folder: Folder, family: Family, settings: Mapping[str, Any]
) -> tuple[TokenizerSpec, Mapping[str, Any]]:
    if folder.has("tokenizer.json"):
        try:
            return TokenizerSpec.from_json(folder.read("tokenizer.json")), {}
        except InvalidFormat as error:
            raise InvalidFormat(f"{folder.name}: {error.message}", hint=error.hint) from None
    from reprise.tokenizers.legacy import convert

    found = convert(folder, family, settings)
    if found is None:
        raise EntryNotFound(
            f"{folder.name} holds no tokenizer.",
            hint="Expected tokenizer.json, vocab.txt, vocab.json with merges.txt, or a .model.",
        )
    return found


def _config(
    family: Family, settings: Mapping[str, Any], extra: Mapping[str, Any]
) -> TokenizerConfig:
    defaults = read_config(extra, family.defaults())
    kept = {key: value for key, value in settings.items() if key not in _NOT_CONFIG}
    return read_config(kept, defaults)


def _special_tokens(folder: Folder, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Read special_tokens_map.json, which says more than a configuration without its own list."""
    return {} if "added_tokens_decoder" in stored else folder.json("special_tokens_map.json")


def _templates(folder: Folder) -> dict[str, Any]:
    found: dict[str, str] = {}
    if folder.has("chat_template.jinja"):
        found["default"] = folder.text("chat_template.jinja", limit=_MAX_TEMPLATE)
    for path in folder.matching("additional_chat_templates/*.jinja"):
        name = path.rpartition("/")[2].removesuffix(".jinja")
        found[name] = folder.text(path, limit=_MAX_TEMPLATE)
    if found:
        return {"chat_template": found["default"] if set(found) == {"default"} else found}
    data = folder.json("chat_template.json").get("chat_template")
    return {} if data is None else {"chat_template": read_templates("chat_template", data)}


def _with_tokens(
    spec: TokenizerSpec, folder: Folder, stored: Mapping[str, Any], config: TokenizerConfig
) -> TokenizerSpec:
    """Add the tokens that only the files around tokenizer.json know."""
    known = {entry["content"] for entry in spec.data["added_tokens"]}
    every = [*config.specials.values(), *config.extra_specials]
    listed = listed_tokens(stored, every)
    if not folder.has("tokenizer.json"):
        listed |= old_tokens(folder, every)
    named = [config.specials[name] for name in sorted(config.specials, key=place_of)]
    specials = [*named, *config.extra_specials]
    missing = [token for token in specials if token.content not in known]
    tokens = [listed[key] for key in sorted(listed)]
    spec, _ = with_added(spec, [*tokens, *_once(missing, tokens)])
    if not folder.has("tokenizer.json"):
        _check_ids(spec, listed, folder)
    return spec


def _check_ids(spec: TokenizerSpec, listed: Mapping[int, AddedToken], folder: Folder) -> None:
    """Refuse to give tokens other ids than their files say."""
    ids = {entry["content"]: entry["id"] for entry in spec.data["added_tokens"]}
    for claimed, token in listed.items():
        if ids[token.content] != claimed:
            raise InvalidFormat(
                f"{folder.name}: added token {token.content!r:.80} claims id {claimed}, but the "
                f"next free one is {ids[token.content]}.",
                hint="The ids of added tokens must follow the vocabulary without gaps.",
            )


def _once(tokens: list[AddedToken], besides: list[AddedToken]) -> list[AddedToken]:
    seen = {token.content for token in besides}
    return [token for token in {t.content: t for t in tokens}.values() if token.content not in seen]
