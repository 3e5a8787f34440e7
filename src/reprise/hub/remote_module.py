"""An `nn.Module` whose parameters and computation live in a worker.

The only module of the client that uses torch, and only inside functions: whoever calls them has
torch already.
"""

import functools
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput, ObjectGone
from reprise.isolate.client import Reference, RemoteObject, Worker
from reprise.isolate.launch import Launch

log = logging.getLogger("reprise.hub")

# Methods that change how a module computes and return it; replayed when it is loaded again.
_MODES = ("to", "half", "float", "double", "bfloat16", "cuda", "cpu", "requires_grad_", "type")
# Methods that yield tensors or modules, with their names or without.
_GENERATORS = (
    "named_parameters", "named_buffers", "named_children", "named_modules",
    "parameters", "buffers", "children", "modules",
)  # fmt: skip

Call = tuple[str, tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """How to make a remote module again, in another process or after a crash.

    Attributes:
        launch: How its worker starts.
        name: Of the worker, for the log.
        folder: Root of the repo's files.
        call: Entry point, positional and keyword arguments.
        modes: Calls of `to`, `half`, `eval`, … since then.
    """

    launch: Launch
    name: str
    folder: Path
    call: Call
    modes: tuple[Call, ...] = field(default=())


def make(worker: Worker, reference: Reference, facts: dict[str, Any]) -> Any:
    """Return the stand-in for a module of a worker."""
    return _module_class()(worker, reference, facts)


def is_remote(value: Any) -> bool:
    """Tell whether a value is such a stand-in."""
    return isinstance(value, RemoteBehaviour)


def remember(module: Any, recipe: Recipe) -> None:
    """Tell a stand-in how it was made, so that it survives crashes, forks and pickling."""
    object.__setattr__(module, "_recipe", recipe)


def revive(recipe: Recipe) -> Any:
    """Make a module again, in a worker of its own."""
    worker = Worker(recipe.launch, name=recipe.name, represent=make)
    entry, args, kwargs = recipe.call
    module = worker.load(recipe.folder, entry, *args, **kwargs)
    for method, mode_args, mode_kwargs in recipe.modes:
        getattr(module, method)(*mode_args, **mode_kwargs)
    remember(module, recipe)
    return module


class RemoteBehaviour:
    """What makes an `nn.Module` a stand-in; the class itself is put together in `_module_class`.

    Calls, attributes, `state_dict`, `to`, `half`, `eval` and their like are forwarded. Hooks on
    this object see its inputs and outputs; there are no gradients.
    """

    _worker: Worker
    _facts: dict[str, Any]
    _recipe: Recipe | None
    _changed: bool
    __reprise_reference__: Reference

    def __init__(self, worker: Worker, reference: Reference, facts: dict[str, Any]) -> None:
        super().__init__()
        own = {
            "_worker": worker,
            "_facts": facts,
            "_recipe": None,
            "_changed": False,
            "__reprise_reference__": reference,
            "training": bool(facts.get("training")),
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute in the worker."""
        _refuse_gradients((*args, *kwargs.values()))
        return _call(self, "", *args, **kwargs)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return copies of the worker's parameters and buffers."""
        return _call(self, "state_dict", *args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Replace the worker's parameters and buffers."""
        object.__setattr__(self, "_changed", True)
        return _call(self, "load_state_dict", *args, **kwargs)

    def train(self, mode: bool = True) -> Any:
        """Switch the worker's module to training mode, or back."""
        return _change_mode(self, "train", mode)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in RemoteBehaviour.__annotations__:
            raise AttributeError(name)
        return _request(self, "get", name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or name == "training":
            object.__setattr__(self, name, value)
            return
        object.__setattr__(self, "_changed", True)
        _request(self, "set", name=name, value=value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_description(self)["dir"]})

    def __repr__(self) -> str:
        return f"{_description(self)['repr']}\nin {self._worker.name}"

    def __reduce__(self) -> Any:
        return revive, (_checked_recipe(self),)

    def __deepcopy__(self, memo: Any) -> Any:
        return revive(_checked_recipe(self))


@functools.cache
def _module_class() -> Any:
    """Put the class together, once torch is there to derive it from."""
    torch: Any = import_module("torch")
    forwarded = {name: functools.partialmethod(_change_mode, name) for name in _MODES}
    generated = {name: functools.partialmethod(_generate, name) for name in _GENERATORS}
    members = {**forwarded, **generated, "__module__": __name__}
    return type("RemoteModule", (RemoteBehaviour, torch.nn.Module), members)


def _call(module: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    return _request(module, "call", method=method, args=args, kwargs=kwargs)


def _request(module: Any, operation: str, **arguments: Any) -> Any:
    """Send a request about a module; make the module again when its worker had ended before."""
    worker = module._worker  # noqa: SLF001 - these functions are the methods of RemoteModule
    try:
        target = module.__reprise_reference__
        return worker.request(operation, {"target": target, **arguments})
    except ObjectGone:
        if module._recipe is None or module._changed:  # noqa: SLF001
            raise
        _load_again(module)
        target = module.__reprise_reference__
        return worker.request(operation, {"target": target, **arguments})


def _load_again(module: Any) -> None:
    recipe: Recipe = module._recipe  # noqa: SLF001
    entry, args, kwargs = recipe.call
    log.warning("The worker of %s had ended; %s is loaded again.", recipe.name, entry)
    fresh = module._worker.load(recipe.folder, entry, *args, **kwargs)  # noqa: SLF001
    object.__setattr__(module, "__reprise_reference__", fresh.__reprise_reference__)
    for method, mode_args, mode_kwargs in recipe.modes:
        _call(module, method, *mode_args, **mode_kwargs)


def _change_mode(module: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    _call(module, method, *args, **kwargs)
    if method == "train":
        object.__setattr__(module, "training", bool(args[0]))
    recipe: Recipe | None = module._recipe  # noqa: SLF001
    if recipe is not None:
        kept = tuple(call for call in recipe.modes if method != "train" or call[0] != "train")
        modes = (*kept, (method, args, kwargs))
        remember(module, Recipe(recipe.launch, recipe.name, recipe.folder, recipe.call, modes))
    return module


def _generate(module: Any, method: str, *args: Any, **kwargs: Any) -> Iterator[Any]:
    """Yield what a generator of the worker yields: tensors as copies, modules as stand-ins."""
    found = _call(module, method, *args, **kwargs)
    yield from found if isinstance(found, RemoteObject) else iter(found)


def _description(module: Any) -> dict[str, Any]:
    described: dict[str, Any] = _request(module, "describe")
    return described


def _checked_recipe(module: Any) -> Recipe:
    recipe: Recipe | None = module._recipe  # noqa: SLF001
    if recipe is None or module._changed:  # noqa: SLF001
        why = "its state was changed" if recipe else "it is a part of something else"
        raise InvalidInput(
            f"This module lives in a worker and cannot be copied or pickled: {why}.",
            hint="Save its state_dict() instead.",
        )
    return recipe


def _refuse_gradients(values: tuple[Any, ...]) -> None:
    """Fail early rather than return results that silently have no gradient."""
    torch = import_module("torch")
    if torch.is_grad_enabled() and any(
        isinstance(value, torch.Tensor) and value.requires_grad for value in values
    ):
        raise InvalidInput(
            "No gradients flow through a worker.",
            hint="Call it under torch.no_grad(), or load the repo in this process to train it.",
        )
