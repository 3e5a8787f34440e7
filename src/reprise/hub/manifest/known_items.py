"""Calls that make or walk through collections: `dict`, `zip`, `itertools.product`."""

from itertools import product

from reprise.hub.manifest.items import MAX_ITEMS, iterate, update
from reprise.hub.manifest.known_call import Call, Handler, path_text
from reprise.hub.manifest.values import DATA, Items, Table, Value

_MAX_RANGE_ARGS = 3  # start, stop, step


def _items(kind: str) -> Handler:
    def known(call: Call) -> Value:
        values, is_open = iterate(call.engine, call.arg(0)) if call.args else ([], False)
        return Items(list(values), kind, is_open)

    return known


def _dict(call: Call) -> Value:
    made = Table()
    if call.args:
        update(call.engine, made, call.arg(0))
    made.values.update(call.keywords)
    return made


def _defaultdict(call: Call) -> Value:
    return _dict(Call(call.engine, call.args[1:], call.keywords, call.frame))


def _sorted(call: Call) -> Value:
    values, is_open = iterate(call.engine, call.arg(0))
    known = sorted(values) if all(isinstance(value, str) for value in values) else values
    return Items(list(known), open=is_open)


def _zip(call: Call) -> Value:
    columns = [iterate(call.engine, arg) for arg in call.args]
    rows = zip(*(values for values, _ in columns), strict=False)
    is_open = any(unknown for _, unknown in columns)
    return Items([Items(list(row), "tuple") for row in rows], open=is_open)


def _enumerate(call: Call) -> Value:
    values, is_open = iterate(call.engine, call.arg(0))
    start = call.arg(1, "start", 0)
    first = start if isinstance(start, int) else 0
    return Items([Items([n, v], "tuple") for n, v in enumerate(values, first)], open=is_open)


def _range(call: Call) -> Value:
    numbers = [arg for arg in call.args if isinstance(arg, int)]
    if not 1 <= len(numbers) <= _MAX_RANGE_ARGS or len(numbers) < len(call.args):
        return Items([], open=True)
    if len(numbers) == _MAX_RANGE_ARGS and numbers[2] == 0:
        return Items([], open=True)
    whole = range(*numbers)
    cut = whole[:MAX_ITEMS]
    return Items(list(cut), open=cut != whole)


def _product(call: Call) -> Value:
    columns = [iterate(call.engine, arg) for arg in call.args]
    size = 1
    for values, _ in columns:
        size *= len(values)
    if size > MAX_ITEMS or any(is_open for _, is_open in columns) or call.keywords:
        return Items([], open=True)
    return Items([Items(list(row), "tuple") for row in product(*(v for v, _ in columns))])


def _chain(call: Call) -> Value:
    columns = [iterate(call.engine, arg) for arg in call.args]
    values = [value for column, _ in columns for value in column]
    is_open = any(unknown for _, unknown in columns) or len(values) > MAX_ITEMS
    return Items(values[:MAX_ITEMS], open=is_open)


def _len(call: Call) -> Value:
    values, is_open = iterate(call.engine, call.arg(0))
    return DATA if is_open else len(values)


def _str(call: Call) -> Value:
    value = call.arg(0, "object", "")
    text = path_text(value)
    if text is not None:
        return text
    return str(value) if isinstance(value, int) else DATA


def _unknown(_call: Call) -> Value:
    return Items([], open=True)


HANDLERS: dict[str, Handler] = {
    "builtins.list": _items("list"),
    "builtins.tuple": _items("tuple"),
    "builtins.set": _items("list"),
    "builtins.frozenset": _items("list"),
    "builtins.iter": _items("list"),
    "builtins.reversed": _items("list"),
    "builtins.filter": _unknown,
    "builtins.map": _unknown,
    "builtins.dict": _dict,
    "builtins.sorted": _sorted,
    "builtins.zip": _zip,
    "builtins.enumerate": _enumerate,
    "builtins.range": _range,
    "builtins.len": _len,
    "builtins.str": _str,
    "collections.OrderedDict": _dict,
    "collections.defaultdict": _defaultdict,
    "itertools.chain": _chain,
    "itertools.product": _product,
}
