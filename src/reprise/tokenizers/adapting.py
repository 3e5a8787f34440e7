"""What a configuration may say differently from the tokenizer.json beside it."""

from collections.abc import Callable, Mapping
from typing import Any

from reprise.tokenizers.config import TokenizerConfig
from reprise.tokenizers.family import Family
from reprise.tokenizers.spec import TokenizerSpec
from reprise.tokenizers.templates import bos_eos, token_ids

# Key of the configuration -> field of the normalizer it sets.
_BERT = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
_Part = Mapping[str, Any]


def adapt(
    spec: TokenizerSpec, config: TokenizerConfig, settings: Mapping[str, Any], family: Family
) -> TokenizerSpec:
    """Return a spec that follows the configuration where both speak of one thing."""
    changes: dict[str, Any] = {}
    flags = {
        field: settings[key] for key, field in _BERT.items() if isinstance(settings.get(key), bool)
    }
    if flags:
        _change(changes, spec, "normalizer", _setter("BertNormalizer", flags))
    prefix = settings.get("add_prefix_space")
    if isinstance(prefix, bool):
        setter = _setter("ByteLevel", {"add_prefix_space": prefix})
        _change(changes, spec, "pre_tokenizer", setter)
    if family.rules.get("template") in {None, "bos"} and _says_template(spec, settings):
        changes["post_processor"] = _template(spec, config, settings)
    return spec.with_data(**changes) if changes else spec


def _says_template(spec: TokenizerSpec, settings: Mapping[str, Any]) -> bool:
    """Tell whether the configuration decides on first and last token, and may be obeyed."""
    given = [settings[key] for key in ("add_bos_token", "add_eos_token") if key in settings]
    current = spec.data["post_processor"]
    replaceable = current is not None and current["type"] == "TemplateProcessing"
    return True in given or (False in given and replaceable)


def _template(spec: TokenizerSpec, config: TokenizerConfig, settings: Mapping[str, Any]) -> Any:
    specials = config.specials
    bos = specials.get("bos_token") if settings.get("add_bos_token") else None
    eos = specials.get("eos_token") if settings.get("add_eos_token") else None
    ids = token_ids(spec)
    return bos_eos(bos.content if bos else None, eos.content if eos else None, ids)


def _change(
    changes: dict[str, Any], spec: TokenizerSpec, name: str, change: Callable[[_Part], _Part]
) -> None:
    part = spec.data[name]
    if part is not None and (changed := change(part)) != part:
        changes[name] = changed


def _setter(kind: str, values: Mapping[str, Any]) -> Callable[[_Part], _Part]:
    """Return a function that sets fields of every component of one kind."""

    def change(part: _Part) -> _Part:
        found = dict(part)
        for key in ("normalizers", "pretokenizers"):
            if key in found:
                found[key] = [change(step) for step in found[key]]
        return {**found, **values} if found["type"] == kind else found

    return change
