"""What a manifest says: plain values, compared and stored as a whole."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["function", "class", "instance", "unknown"]
Certainty = Literal["static", "dynamic", "external", "executed"]
HashState = Literal["checked", "named", "none"]


@dataclass(frozen=True)
class EntryPoint:
    """One public name of `hubconf.py` that can be called.

    Attributes:
        name: What `load` takes.
        kind: What the name is bound to; `unknown` when only running the code would tell.
        signature: As `str(inspect.signature(...))` writes it, literals as in the source; None
            when it cannot be known.
        doc: The docstring exactly as written, or None.
        file: Where it is defined, relative to the folder; the dotted name for code outside it.
        line: Line of the definition, from 1; 0 for code outside the folder.
        decorators: As in the source, without `@`.
        certainty: `static` - read from the source; `dynamic` - made while the code runs;
            `external` - defined by another distribution; `executed` - seen by running the code
            in a sandbox, which only happens when somebody asks for it.
        own: Meant to be loaded, rather than imported for the file's own use.
    """

    name: str
    kind: Kind
    signature: str | None
    doc: str | None
    file: str
    line: int
    decorators: tuple[str, ...]
    certainty: Certainty
    own: bool


@dataclass(frozen=True)
class Dependency:
    """A package that the repo's code needs or may use.

    Attributes:
        import_name: First part of the name in `import` statements: `cv2`.
        distribution: Name for an installer: `opencv-python`.
        declared: `dependencies` in `hubconf.py` names it.
        inferred: Code reachable from `hubconf.py` imports it.
        optional: Every import of it stands inside a try, an if or a function, and `hubconf.py`
            does not declare it.
        where: Up to eight places, `file:line`, sorted.
        specifier: Versions that a requirements file of the repo asks for: `==0.6.12`, or empty.
    """

    import_name: str
    distribution: str
    declared: bool
    inferred: bool
    optional: bool
    where: tuple[str, ...]
    specifier: str = ""


@dataclass(frozen=True)
class WeightUrl:
    """A literal address of weights in the code.

    Attributes:
        url: As written.
        file: Relative to the folder.
        line: Line of the text, from 1.
        hash_prefix: The hex digits that the file name ends in, by torch.hub's custom, or None.
        state: `checked` - the code asks for verification and there is a hash to verify;
            `named` - the name holds a hash that the code does not verify; `none` - no hash.
    """

    url: str
    file: str
    line: int
    hash_prefix: str | None
    state: HashState


@dataclass(frozen=True)
class Problem:
    """Something that kept part of the repo from being read.

    Attributes:
        file: Relative to the folder.
        line: From 1; 0 when it concerns the whole file.
        message: What is wrong.
    """

    file: str
    line: int
    message: str


@dataclass(frozen=True)
class Manifest:
    """All that can be known about a hubconf repo without running it.

    Attributes:
        entry_points: Sorted by name; own and incidental ones.
        dependencies: Sorted by import name.
        weight_urls: Sorted by address, then place.
        flags: Sorted words, see `FLAGS`.
        problems: In the order of files and lines.
    """

    entry_points: tuple[EntryPoint, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    weight_urls: tuple[WeightUrl, ...] = ()
    flags: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


# Every flag a manifest can carry, and what it tells the reader.
FLAGS = {
    "computed-weight-urls": "addresses of weights are put together while the code runs",
    "dynamic-names": "hubconf.py makes names that only running it would show",
    "executed-in-sandbox": "entry points were completed by running the code in a sandbox",
    "executes-text": "code is made from text: exec, eval or compile",
    "incomplete": "a limit was reached or a file could not be read, see the problems",
    "nested-loads": "the code loads other repos through torch.hub",
    "no-hubconf": "there is no hubconf.py",
    "path-edits": "the code changes sys.path",
    "starts-processes": "the code starts other programs",
}


def names(manifest: Manifest, *, classic: bool = False) -> tuple[str, ...]:
    """List the entry points' names, sorted.

    Args:
        manifest: What `read_manifest` returned.
        classic: List all that `torch.hub.list` would show, incidental imports too.
    """
    return tuple(entry.name for entry in manifest.entry_points if classic or entry.own)


def find(manifest: Manifest, name: str) -> EntryPoint | None:
    """Return the entry point of that name, own or incidental, or None."""
    return next((entry for entry in manifest.entry_points if entry.name == name), None)
