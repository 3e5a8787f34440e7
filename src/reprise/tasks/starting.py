"""From a task and a model's name to a pipeline that runs."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidInput, NotSupported
from reprise.models.config import Config, read_config
from reprise.models.loading import FEW_BITS
from reprise.models.options import usual_device, usual_dtype
from reprise.models.source import Source, locate
from reprise.tasks.base import Pipeline
from reprise.tasks.files import fetch, pinned, preprocessor
from reprise.tasks.inferring import SENTENCES, infer
from reprise.tasks.kinds import Kind, class_of, kind_of
from reprise.tasks.letters import FILES as LETTERS
from reprise.tasks.parts import Parts

log = logging.getLogger(__name__)
_HUB = ("endpoint", "token", "offline")
_LOADING = ("dtype", "device", "threads", "cache_dir")
_OF_ENGINE = {"torch": ("dtype", "device"), "onnx": ("dtype", "device", "threads", "cache_dir")}
_USUAL = {"dtype": usual_dtype, "device": usual_device}  # as people also call them
_SMALL = (SENTENCES, "*/config.json", "sentence_bert_config.json", "README.md",
          "preprocessor_config.json", "config_sentence_transformers.json",
          "processor_config.json")  # fmt: skip
# What transformers' `pipeline` takes and what means nothing here.
_WITHOUT_MEANING = ("trust_remote_code", "framework", "use_fast", "device_map")


def pipeline(task: str | None = None, model: Any = None, *, tokenizer: Any = None,
             revision: str = "", engine: str = "auto", lock: str | PathLike[str] | None = None,
             **given: Any) -> Pipeline:  # fmt: skip
    """Make what runs a task on a model.

    Args:
        task: Name of a task, `text-classification`; None: what the repo says it is for.
        model: A repo, a folder, or a model that is loaded already; None: what the hub in use says
            is the default for the task, at the commit that it says.
        tokenizer: A repo, a folder or a tokenizer, when the model's own will not do.
        revision: Branch, tag or commit of the repo.
        engine: "onnx", "torch", or "auto": onnx on a CPU where it can express the model.
        lock: A `reprise.lock` that decides the commit and holds every file against its digest.
        **given: `dtype`, `device`, `threads` of the model; `endpoint`, `token`, `offline`
            of the hub; `batch`, `progress` and the task's own parameters, as defaults of all
            calls.

    Returns:
        A pipeline: call it with an input, a list of inputs, or anything that gives them.

    Raises:
        InvalidInput: Neither a task nor a model is named, or they do not fit each other.
        NotFound, OfflineMiss, HubUnreachable: No model is named, and the hub names none.
        NotSupported: There is no such task yet, or no engine can express the model.

    Example:
        >>> classify = pipeline("text-classification", "owner/model")  # doctest: +SKIP
        >>> classify("It works.")  # doctest: +SKIP
        [{'label': 'POSITIVE', 'score': 0.9998}]
    """
    given = _unpacked(given)
    for name in (*_HUB, *_LOADING):
        if name in given and given[name] is None:
            del given[name]
    hub = {name: given.pop(name) for name in _HUB if name in given}
    if model is None:
        from reprise.tasks.defaults import default_for

        model = default_for(task, hub)
    loading = {name: given.pop(name) for name in _LOADING if name in given}
    loading |= {name: usual(loading[name])
                for name, usual in _USUAL.items() if name in loading}  # fmt: skip
    where = (revision, lock, hub)
    parts = _parts(task, (model, tokenizer), (engine, loading), where)
    _, kind = kind_of(parts.task)
    made = class_of(kind, parts.model)(parts, **given)
    _tell(parts, moving=not lock and parts.commit not in {revision, str(model).rpartition("@")[2]})
    return made


def _tell(parts: Parts, *, moving: bool) -> None:
    """Say what runs; so that it is seen where a branch or tag may be another commit tomorrow."""
    shown = f"{parts.name} at {parts.commit}" if parts.commit else parts.name or "a loaded model"
    level = logging.WARNING if parts.commit and moving else logging.INFO
    log.log(level, "Running %s on %s, engine %s.", parts.task, shown, parts.model.engine,
            extra={"notice": True})  # fmt: skip


def _unpacked(given: dict[str, Any]) -> dict[str, Any]:
    """Read what transformers' `pipeline` takes: `model_kwargs`, `torch_dtype`, and the rest."""
    inside = given.pop("model_kwargs", None) or {}
    if not isinstance(inside, Mapping):
        raise InvalidInput(f"model_kwargs is a mapping, not {inside!r:.80}.")
    for name in set(given) & set(_WITHOUT_MEANING):
        log.info("%s=%r changes nothing here.", name, given.pop(name))
    known = {*_LOADING, "torch_dtype"}
    for name in set(inside) - known:
        log.info("%s=%r of model_kwargs changes nothing here.", name, inside[name])
    found = {name: value for name, value in inside.items() if name in known} | given
    dtype = found.pop("torch_dtype", None)
    return found if dtype is None else {"dtype": dtype} | found


def _parts(task: str | None, named: tuple[Any, Any], how: tuple[str, dict[str, Any]],
           where: tuple[str, str | PathLike[str] | None, dict[str, Any]]) -> Parts:  # fmt: skip
    """Load a model and what goes with it, from where its name or a lock says."""
    (model, tokenizer), (revision, lock, hub) = named, where
    if lock is not None:
        from reprise.tasks.locked import check_tokenizer, locked_source

        source, commit = locked_source(model, revision, lock, hub)
        is_own = tokenizer is None
        if isinstance(tokenizer, str | PathLike):
            tokenizer = locked_source(tokenizer, "", lock, hub)[0].folder
        parts = replace(_of_source(task, source, how, tokenizer, hub), commit=commit)
        if is_own:
            check_tokenizer(parts, lock, hub)
        return parts
    if not isinstance(model, str | PathLike):
        return _of_loaded(task, model, tokenizer, hub)
    source = locate(model, revision=revision, weights=False, **hub)
    return _of_source(task, source, how, tokenizer, hub)


def _of_source(task: str | None, source: Source, how: tuple[str, dict[str, Any]], tokenizer: Any,
               hub: dict[str, Any]) -> Parts:  # fmt: skip
    folder = fetch(source, _SMALL, hub)
    name, kind = kind_of(infer(folder, source.name) if task is None else task)
    config, place = read_config(folder), pinned(source)
    loaded = _model(_auto(kind, config), place, *how, hub if source.commit else {})
    _refuse_new_head(loaded, name, source.name)
    if tokenizer is None and _spells(loaded):
        fetch(source, LETTERS, hub)
    elif tokenizer is None:
        tokenizer = _own_tokenizer(place, hub, needed=kind.reads != "images")
    shown = place.rpartition("@")[0] if source.commit else source.name
    return Parts(name, loaded, shown, source.commit, folder, _tokenizer(tokenizer, hub),
                 preprocessor(folder), task or name)  # fmt: skip


def _of_loaded(task: str | None, model: Any, tokenizer: Any, hub: dict[str, Any]) -> Parts:
    """Take a model that is loaded already; its tokenizer cannot be guessed."""
    if not hasattr(model, "plan"):
        raise InvalidInput(
            f"model must be a repo, a folder or a model of Reprise, not {type(model).__name__}."
        )
    if task is None:
        raise InvalidInput("Name the task: a loaded model does not say what it is for.")
    if model.engine == "torch":
        model.eval()
    return Parts(kind_of(task)[0], model, given_tokenizer=_tokenizer(tokenizer, hub),
                 asked=task)  # fmt: skip


def _spells(model: Any) -> bool:
    """Whether a model gives letters, which need no tokenizer to be read."""
    return model.plan.head is not None and model.plan.head.kind == "ctc"


def _tokenizer(tokenizer: Any, hub: dict[str, Any]) -> Any:
    if tokenizer is None or hasattr(tokenizer, "config"):
        return tokenizer
    if not isinstance(tokenizer, str | PathLike):
        raise InvalidInput("tokenizer must be a repo, a folder or a tokenizer of Reprise, not "
                           f"{type(tokenizer).__name__}.")  # fmt: skip
    from reprise.tokenizers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tokenizer, **hub)


def _own_tokenizer(place: str, hub: dict[str, Any], *, needed: bool) -> Any:
    from reprise.tokenizers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(place, **hub)
    except EntryNotFound:
        if needed:
            raise
        return None


def _model(auto: str, place: str, engine: str, loading: dict[str, Any],
           hub: dict[str, Any]) -> Any:  # fmt: skip
    """Load the model; where no graph expresses it and nobody chose, torch runs it."""
    load = getattr(import_module("reprise.models"), auto).from_pretrained
    chosen = _engine(engine, loading)
    own = {name: value for name, value in loading.items() if name in _OF_ENGINE[chosen]}
    try:
        return load(place, engine=chosen, **own, **hub).eval()
    except NotSupported as error:
        few = loading.get("dtype") in FEW_BITS
        if engine != "auto" or few or chosen == "torch" or not find_spec("torch"):
            raise
        log.info("%s The torch engine runs it instead.", error.message)
        return load(place, engine="torch", **hub).eval()


def _auto(kind: Kind, config: Config) -> str:
    from reprise.models.families import family_of
    from reprise.models.tasks import head_for

    family, error = family_of(config.model_type), None
    for name in kind.autos:
        try:
            head_for(name, family)
        except InvalidInput as found:
            error = error or found
        else:
            return name
    assert error is not None
    raise error


def _engine(engine: str, loading: dict[str, Any]) -> str:
    """Choose: on a CPU and in full precision ONNX Runtime is faster and starts sooner."""
    if engine not in {*_OF_ENGINE, "auto"}:
        raise InvalidInput(f"There is no engine {engine!r}; use onnx, torch or auto.")
    if engine != "auto":
        return engine
    plain = str(loading.get("device", "cpu")) == "cpu" and str(
        loading.get("dtype", "float32")
    ).removeprefix("torch.") in {"float32", "auto", *FEW_BITS}
    return "onnx" if plain and (find_spec("onnxruntime") or not find_spec("torch")) else "torch"


def _refuse_new_head(model: Any, task: str, name: str) -> None:
    if model.report.initialised:
        raise InvalidInput(
            f"{name} was not trained for {task}: its weights lack "
            f"{', '.join(model.report.initialised[:4])}.",
            hint="Choose a model with this head, or train one.",
        )
