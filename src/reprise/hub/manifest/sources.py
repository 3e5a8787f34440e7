"""Read and parse one source file, whatever its author put into it."""

import ast
import stat
import threading
import tokenize
import warnings
from importlib.util import decode_source
from io import BytesIO
from pathlib import Path

# The largest hand-written module we know has 0.4 MB; parsing needs up to 250 times the space.
MAX_FILE = 2 * 1024 * 1024
# Other codecs are either not text or take quadratic time (punycode).
_ENCODINGS = frozenset(
    "utf-8 utf-8-sig ascii iso-8859-1 iso-8859-2 iso-8859-15 cp1250 cp1251 cp1252 koi8-r "
    "gb2312 gbk gb18030 big5 euc-jp euc-kr shift_jis cp932 cp949".split()
)
# `warnings.catch_warnings` swaps process-wide state: one thread at a time.
_QUIET = threading.Lock()


class Unreadable(Exception):
    """A file that cannot be read as Python; `line` is 0 when it concerns the whole file."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read_text(path: Path) -> str:
    """Return a source file as text whose lines end in a single newline character.

    Raises:
        Unreadable: Not a regular file, over the limit, or not text by its own declaration.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a regular file")
        if status.st_size > MAX_FILE:
            raise Unreadable(f"{status.st_size} bytes; files over {MAX_FILE} are not read")
        with path.open("rb") as file:
            data = file.read(MAX_FILE)
    except (OSError, ValueError) as error:
        raise Unreadable(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return decode(data)


def decode(data: bytes) -> str:
    """Decode source as Python does: UTF-8 unless a coding comment says otherwise.

    Raises:
        Unreadable: Null bytes, an unknown or unusual encoding, or bytes that break it.
    """
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise Unreadable("holds a null byte", line)
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        if encoding.lower() not in _ENCODINGS:
            raise Unreadable(f"is encoded as {encoding[:40]!r}, which is not read")
        return decode_source(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"is not valid {error.encoding}", line) from None
    except (SyntaxError, LookupError) as error:
        raise Unreadable(f"cannot be decoded: {error}") from None


def parse(text: str) -> ast.Module:
    """Parse source without a word on stderr.

    Raises:
        Unreadable: It is not Python, or nested too deeply.
    """
    try:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise Unreadable(f"syntax error: {error.msg}", error.lineno or 0) from None
    except (RecursionError, MemoryError):
        raise Unreadable("is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"cannot be parsed: {error}") from None
