"""Whatever a file says, there is a manifest; whatever a manifest says, JSON keeps it."""

import ast
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.base.digests import canonical_json
from reprise.hub.manifest import (
    Dependency,
    EntryPoint,
    Manifest,
    Problem,
    WeightUrl,
    from_json,
    read_manifest,
    to_json,
)
from reprise.hub.manifest.execute import NOT_FOLLOWED
from reprise.hub.namespace.keys import to_key, to_slug

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
WORDS = st.lists(TEXT, max_size=3).map(tuple)
LINE = st.integers(0, 10**6)
ENTRIES = st.builds(
    EntryPoint,
    name=TEXT,
    kind=st.sampled_from(["function", "class", "instance", "unknown"]),
    signature=st.none() | TEXT,
    doc=st.none() | TEXT,
    file=TEXT,
    line=LINE,
    decorators=WORDS,
    certainty=st.sampled_from(["static", "dynamic", "external"]),
    own=st.booleans(),
)
FLAGS = st.booleans()
DEPENDENCIES = st.builds(Dependency, TEXT, TEXT, FLAGS, FLAGS, FLAGS, WORDS, TEXT)
STATES = st.sampled_from(["checked", "named", "none"])
WEIGHTS = st.builds(WeightUrl, TEXT, TEXT, LINE, st.none() | TEXT, STATES)
PROBLEMS = st.builds(Problem, TEXT, LINE, TEXT)
MANIFESTS = st.builds(
    Manifest,
    st.lists(ENTRIES, max_size=3).map(tuple),
    st.lists(DEPENDENCIES, max_size=3).map(tuple),
    st.lists(WEIGHTS, max_size=3).map(tuple),
    WORDS,
    st.lists(PROBLEMS, max_size=3).map(tuple),
)
# Statements that meet each other in ways nobody wrote down.
LINES = """
x = globals()
x = {'f': f, **x} if x else []
x[f] = x
x['g'] = lambda a=x: x
f = x
f.a = f.__dict__
def f(a, *b, c=x, **d): return a(f)
class C(dict): add = lambda self, v: self.update(v)
x = C()
x.add(globals())
f = __import__('functools').partial(f, x, y=f)
f = f()
for y in x: globals()[y] = f
for f in x.items(): x.update([f])
for x in range(3): setattr(__import__('sys').modules[__name__], 'h%d' % x, f)
[x for x in x for f in [x] if f]
x = [*x, *x] if 1 else 0
del x, f
import sys, os.path as p, hubconf
from hubconf import *
from . import hubconf as f
from .. import x
sys.path[0:0] = [x, __file__, p.join(__file__, '..')]
sys.path.append(p.dirname(__file__))
f = sys.modules[__name__].f
with f() as x: f = x
if x: f = x
while f: x = f
async def f(): await x
f = x = (x := f)
x = f'{x}{f!r:>{x}}' + 'a' * 3
x = x[f:x:f]
__all__ = [x, 'f']
__all__ += x
exec(x)
f.__doc__ = x
f.__name__ = 'x'
"""
BLOCKS = [
    "@f\ndef f(): yield x",
    "@f.a['g']\nclass f(f): __call__ = f",
    "match x:\n    case {'a': f, **x}: pass\n    case [f, *x] | None: pass",
    "try: x = f()\nexcept* x as f: f = x\nelse: x = f",
]
STATEMENTS = st.sampled_from([*LINES.strip().splitlines(), *BLOCKS])


@settings(max_examples=150, deadline=None)
@given(st.lists(STATEMENTS, max_size=12))
def test_every_file_has_a_manifest(statements: list[str]) -> None:
    for statement in statements:
        ast.parse(statement)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "hubconf.py").write_text("\n".join(statements) + "\n")
        manifest = read_manifest(Path(folder))
        assert from_json(json.loads(canonical_json(to_json(manifest)))) == manifest
        assert read_manifest(Path(folder)) == manifest
        assert not [item for item in manifest.problems if NOT_FOLLOWED in item.message]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_have_a_manifest(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "hubconf.py").write_bytes(data)
        read_manifest(Path(folder))


@given(MANIFESTS)
def test_json_keeps_every_manifest(manifest: Manifest) -> None:
    assert from_json(json.loads(canonical_json(to_json(manifest)))) == manifest


@given(st.text())
def test_every_key_is_an_identifier_and_back(key: str) -> None:
    slug = to_slug(key)
    assert slug.isidentifier()
    assert slug.isascii()
    assert to_key(slug) == key


@given(st.text(alphabet="r_dhscx0123456789abcdefZ", max_size=20))
def test_only_one_identifier_means_a_key(slug: str) -> None:
    key = to_key(slug)
    assert key is None or to_slug(key) == slug
