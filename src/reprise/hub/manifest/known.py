"""Calls of built-in and library functions."""

from reprise.hub.manifest import known_items, known_objects, known_paths
from reprise.hub.manifest.known_call import Call, Handler
from reprise.hub.manifest.values import DATA, MAYBE, Made, Value

_HANDLERS: dict[str, Handler] = {
    **known_items.HANDLERS,
    **known_objects.HANDLERS,
    **known_paths.HANDLERS,
}
_MAY_GIVE_FUNCTIONS = frozenset({"builtins.eval", "builtins.next"})


def call_external(dotted: str, call: Call) -> Value:
    """Return what calling something outside the repo gives; `Made` when it is not known."""
    handler = _HANDLERS.get(dotted)
    if handler is not None:
        return handler(call)
    if dotted.startswith("builtins."):
        return MAYBE if dotted in _MAY_GIVE_FUNCTIONS else DATA
    return Made(dotted)
