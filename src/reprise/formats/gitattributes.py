"""`.gitattributes`: which paths a repo keeps in LFS."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats.wildmatch import Pattern, PatternList

PATH = ".gitattributes"
MAX_SIZE = 1 << 20  # bytes
LFS = "filter=lfs diff=lfs merge=lfs -text"

# What a new repo keeps in LFS from the start: the public hub's lists, so that a repo moved from
# there behaves alike.
_ALWAYS = (
    "*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack "
    "*.npy *.npz *.onnx *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors "
    "saved_model/**/* *.tar.* *.tar *.tflite *.tgz *.wasm *.xz *.zip *.zst *tfevents*"
).split()
_IN_DATASETS = (
    "*.lz4 *.mds *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav *.bmp *.gif *.png *.tiff "
    "*.jpg *.jpeg *.webp *.mp4 *.webm"
).split()

_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(.*)', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_SPACE = " \t\r\n"


@dataclass(frozen=True)
class Attributes:
    """The rules of one `.gitattributes` file, as far as they choose a filter."""

    _filters: PatternList[str]

    def is_lfs(self, path: str) -> bool:
        """Tell whether git-lfs would take over this path."""
        return self._filters.last(path) == "lfs"


def default(repo_type: RepoType) -> bytes:
    """Return the `.gitattributes` of a new repo."""
    patterns = _ALWAYS + (_IN_DATASETS if repo_type is RepoType.DATASET else [])
    return "".join(f"{pattern} {LFS}\n" for pattern in patterns).encode()


@lru_cache(maxsize=256)
def parse(data: bytes) -> Attributes:
    """Parse a `.gitattributes` file; lines git would ignore are ignored.

    Raises:
        InvalidFormat: Over `MAX_SIZE`, or too many patterns with wildcards.
    """
    if len(data) > MAX_SIZE:
        raise InvalidFormat(f"{PATH} is over {MAX_SIZE} bytes; use wildcards.")
    return Attributes(PatternList.build(_rules(data.decode(errors="replace"))))


def track(data: bytes, paths: list[str], *, per_extension: int) -> bytes:
    """Add lines, so that git-lfs takes over these paths in a clone.

    One line per path; but more than `per_extension` paths of one extension get one line together.
    """
    by_extension: dict[str, list[str]] = {}
    for path in paths:
        by_extension.setdefault(_extension(path), []).append(path)
    patterns: list[str] = []
    for extension, group in by_extension.items():
        together = extension and len(group) > per_extension
        patterns += [f"*{extension}"] if together else map(_quote, group)
    gap = b"" if not data or data.endswith(b"\n") else b"\n"
    return data + gap + "".join(f"{pattern} {LFS}\n" for pattern in patterns).encode()


def _extension(path: str) -> str:
    found = re.search(r"[^/](\.[A-Za-z0-9_-]+)$", path)
    return found[1] if found else ""


def _rules(text: str) -> Iterator[tuple[Pattern, str]]:
    macros: dict[str, list[str]] = {}
    for raw in text.split("\n"):
        line = raw.strip(_SPACE)
        if not line or line.startswith("#"):
            continue
        pattern, attributes = _split(line)
        if pattern.startswith("[attr]"):
            macros[pattern.removeprefix("[attr]")] = attributes
            continue
        value = _filter(attributes, macros)
        # Git refuses `!` patterns here, and one that ends in a slash can match no file.
        if value is not None and not pattern.startswith("!") and not pattern.endswith("/"):
            yield Pattern.parse(pattern), value


def _split(line: str) -> tuple[str, list[str]]:
    quoted = _QUOTED.match(line)
    if quoted:
        return _unquote(quoted[1]), quoted[2].split()
    pattern, *attributes = line.split()
    return pattern, attributes


def _unquote(text: str) -> str:
    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1].decode("latin-1")
        return bytes([int(code, 8) if len(code) > 1 else _ESCAPES.get(code, ord(code))])

    return _ESCAPE.sub(byte, text.encode()).decode(errors="replace")


def _filter(attributes: list[str], macros: dict[str, list[str]]) -> str | None:
    """Return what a line says about the filter: a name, "" for none, None for nothing."""
    value = None
    for attribute in attributes:
        if attribute in macros:
            value = _filter(macros[attribute], {}) or value
        name, _, setting = attribute.partition("=")
        if name.lstrip("-!") == "filter":
            value = setting if name == "filter" else ""
    return value


def _quote(path: str) -> str:
    """Write a path as a pattern that means exactly this path."""
    escaped = re.sub(r"([*?\[\\])", r"\\\1", path)
    # Without a slash a pattern would match files of that name in every folder.
    anchored = escaped if "/" in escaped else f"/{escaped}"
    if anchored.isascii() and not re.search(r'[\s"#!]', anchored):
        return anchored
    return '"' + anchored.replace("\\", "\\\\").replace('"', '\\"') + '"'
