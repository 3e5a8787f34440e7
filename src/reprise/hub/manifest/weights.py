"""Addresses of weights in the code, and whether anything verifies what they give."""

import ast
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from reprise.hub.manifest.machine import Machine
from reprise.hub.manifest.records import HashState, WeightUrl
from reprise.hub.manifest.scan import DOWNLOADS, WEIGHT_ENDINGS, Scan
from reprise.hub.manifest.values import Module

_MAX_URL = 2_000
_MAX_FOUND = 5_000
_SCHEMES = ("http", "https", "ftp", "s3", "gs")
# torch.hub's custom: `name-<first hex digits of the SHA-256>.pth`, eight by default.
_HASH = re.compile(r"-([0-9a-f]{8,64})\.(?!.*-[0-9a-f]{8,64}\.)")
_VERIFYING = ("load_state_dict_from_url", "load_url")


def weight_urls(machine: Machine, modules: Iterable[Module]) -> tuple[WeightUrl, ...]:
    """Return the addresses in these modules, sorted; sets a flag when some are only computed."""
    found = {item for module in modules for item in _of_module(machine, module)}
    ordered = sorted(found, key=lambda item: (item.url, item.file, item.line))
    return tuple(ordered[:_MAX_FOUND])


def _of_module(machine: Machine, module: Module) -> Iterator[WeightUrl]:
    source = module.scan
    if source is None:
        return
    fetched = {id(text) for text in _fetched(source)}
    checked = _verifies(source)
    for text, node in source.urls:
        if is_weight_url(text) or (id(node) in fetched and _is_url(text)):
            yield _record(text, module.file, node.lineno, checked=checked)
    for joined in source.joined_urls:
        text = machine.evaluate(joined, module.frame)
        if isinstance(text, str) and is_weight_url(text):
            yield _record(text, module.file, joined.lineno, checked=checked)
        elif not isinstance(text, str) and _mentions_url(machine, module, joined):
            machine.flags.add("computed-weight-urls")


def is_weight_url(text: str) -> bool:
    """Tell whether a text is the address of a file that may hold weights."""
    return _is_url(text) and urlsplit(text).path.lower().endswith(WEIGHT_ENDINGS)


def hash_prefix(url: str) -> str | None:
    """Return the hex digits that a file name carries before its ending.

    Example:
        >>> hash_prefix("https://example.org/resnet18-f37072fd.pth")
        'f37072fd'
    """
    match = _HASH.search(urlsplit(url).path.rpartition("/")[2])
    return match[1] if match else None


def _is_url(text: str) -> bool:
    if len(text) > _MAX_URL or any(sign.isspace() for sign in text):
        return False
    try:
        return urlsplit(text).scheme in _SCHEMES
    except ValueError:
        return False


def _record(url: str, file: str, line: int, *, checked: bool) -> WeightUrl:
    prefix = hash_prefix(url)
    state: HashState = "none" if prefix is None else "checked" if checked else "named"
    return WeightUrl(url, file, line, prefix, state)


def _verifies(source: Scan) -> bool:
    """Tell whether every download of a file that can be verified is."""
    calls = [call for name, call in source.calls if name.rpartition(".")[2] in _VERIFYING]
    return bool(calls) and all(_asks_for_check(call) for call in calls)


def _asks_for_check(call: ast.Call) -> bool:
    for keyword in call.keywords:
        if keyword.arg == "check_hash":
            return isinstance(keyword.value, ast.Constant) and keyword.value.value is True
    return False


def _fetched(source: Scan) -> Iterator[ast.expr]:
    """Yield the literals that download calls take, themselves or through a variable."""
    for name, call in source.calls:
        if name.rpartition(".")[2] not in DOWNLOADS:
            continue
        for node in (*call.args, *(item.value for item in call.keywords)):
            if isinstance(node, ast.Name):
                yield from source.named_urls.get(node.id, ())
            else:
                yield node


def _mentions_url(machine: Machine, module: Module, node: ast.expr) -> bool:
    """Tell whether some part of a joined text is the start of an address."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant | ast.Name):
            known = machine.evaluate(part, module.frame)
            if isinstance(known, str) and "://" in known:
                return True
    return False
