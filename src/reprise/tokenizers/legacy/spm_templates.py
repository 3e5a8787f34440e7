"""The special tokens that families on SentencePiece put around a text."""

from collections.abc import Callable
from typing import Any

from reprise.tokenizers import templates
from reprise.tokenizers.languages import language_template
from reprise.tokenizers.legacy.recipe import Source
from reprise.tokenizers.templates import Ids

_Template = Callable[[Source, Ids], dict[str, Any] | None]


def template_of(source: Source, ids: Ids) -> dict[str, Any] | None:
    """Return the template of a source's family; None when it puts nothing around."""
    return _KNOWN[source.family.rules.get("template", "none")](source, ids)


def _none(_source: Source, _ids: Ids) -> None:
    return None


def _bos_eos(source: Source, ids: Ids) -> dict[str, Any]:
    """Llama and Gemma: by setting, a first token unless told otherwise."""
    first = source.flag("add_bos_token", default=True)
    last = source.flag("add_eos_token", default=False)
    return templates.bos_eos(
        source.special("bos_token") if first else None,
        source.special("eos_token") if last else None,
        ids,
    )


def _eos(source: Source, ids: Ids) -> dict[str, Any]:
    """T5: an end after each text."""
    end = source.special("eos_token")
    return templates.template(f"$A {end}", f"$A {end} $B {end}", ids)


def _last(source: Source, ids: Ids) -> dict[str, Any]:
    """Pegasus: one end after all."""
    return templates.around((), (source.special("eos_token"),), ids)


def _bert(source: Source, ids: Ids) -> dict[str, Any]:
    return templates.bert(source.special("cls_token"), source.special("sep_token"), ids)


def _roberta(source: Source, ids: Ids) -> dict[str, Any]:
    start, end = source.special("bos_token"), source.special("eos_token")
    return templates.template(f"{start} $A {end}", f"{start} $A {end} {end} $B {end}", ids)


def _xlnet(source: Source, ids: Ids) -> dict[str, Any]:
    sep, cls = source.special("sep_token"), source.special("cls_token")
    single = f"$A:0 {sep}:0"
    return templates.template(f"{single} {cls}:2", f"{single} $B:1 {sep}:1 {cls}:2", ids)


def _xglm(source: Source, ids: Ids) -> dict[str, Any]:
    end = source.special("eos_token")
    return templates.template(f"{end} $A", f"{end} $A {end} {end} $B", ids)


def _language(source: Source, ids: Ids) -> dict[str, Any]:
    """Translation models: a code for the language beside the text."""
    code = source.settings.get("src_lang") or source.family.rules["language"]
    return language_template(source.family, str(code), source.special("eos_token"), ids)


_KNOWN: dict[str, _Template] = {
    "none": _none,
    "bos": _bos_eos,
    "eos": _eos,
    "last": _last,
    "bert": _bert,
    "roberta": _roberta,
    "xlnet": _xlnet,
    "xglm": _xglm,
    "language": _language,
}
