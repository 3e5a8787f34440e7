"""Git objects as values: commits, trees and tags, encoded and decoded as git does.

Object ids are raw 20-byte SHA-1 digests everywhere in Python; hex appears only on the wire.
What is decoded here follows git's fsck rules, so a malformed object never becomes a value.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.registry.git.names import check_entry_name

FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000  # kept and served as text, never followed
FOLDER = 0o040000
SUBMODULE = 0o160000  # names a commit of some other repo
# Written by very old versions of git for group-writable files; still found in real histories.
_GROUP_WRITABLE = 0o100664
MODES = frozenset({FILE, EXECUTABLE, SYMLINK, FOLDER, SUBMODULE, _GROUP_WRITABLE})

OID_SIZE = 20
ZERO = bytes(OID_SIZE)
# The last second of the year 9999; later dates break calendars everywhere.
MAX_SECONDS = 253_402_300_799
_MINUTES_PER_DAY = 1440


class Kind(IntEnum):
    """What an object is; the numbers are those of pack files."""

    COMMIT = 1
    TREE = 2
    BLOB = 3
    TAG = 4

    @property
    def word(self) -> bytes:
        """The name that is hashed: `commit`, `tree`, `blob`, `tag`."""
        return self.name.lower().encode()


@dataclass(frozen=True)
class GitObject:
    """An object's kind and whole body."""

    kind: Kind
    body: bytes


class TreeEntry(NamedTuple):
    """One line of a tree: a name inside its folder, a mode, an object id."""

    name: str
    mode: int
    oid: bytes

    @property
    def is_folder(self) -> bool:
        """Whether the entry is a tree."""
        return self.mode == FOLDER


@dataclass(frozen=True)
class Signature:
    """Who and when. `offset` is the time zone in minutes east of UTC."""

    name: str
    email: str
    seconds: int
    offset: int = 0

    @classmethod
    def at(cls, name: str, email: str, micros: int) -> "Signature":
        """Build a signature from free text, dropping the characters git's format reserves."""
        return cls(_clean(name), _clean(email), micros // 1_000_000)

    @property
    def micros(self) -> int:
        """Microseconds since 1970, UTC."""
        return self.seconds * 1_000_000


@dataclass(frozen=True)
class Commit:
    """A commit; `extra` keeps further headers (gpgsig, encoding, …) in order."""

    tree: bytes
    parents: tuple[bytes, ...]
    author: Signature
    committer: Signature
    message: str
    extra: tuple[tuple[str, bytes], ...] = ()

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.strip().split("\n", 1)[0].strip()

    @property
    def description(self) -> str:
        """The message below its first line."""
        return self.message.strip().partition("\n")[2].strip()


@dataclass(frozen=True)
class Tag:
    """An annotated tag; very old ones have no tagger."""

    target: bytes
    kind: Kind
    name: str
    tagger: Signature | None
    message: str


def object_id(kind: Kind, body: bytes) -> bytes:
    """Return the SHA-1 that names an object, 20 raw bytes.

    Example:
        >>> object_id(Kind.BLOB, b"").hex()
        'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    digest = hashlib.sha1(b"%s %d\0" % (kind.word, len(body)), usedforsecurity=False)
    digest.update(body)
    return digest.digest()


# -- trees ----------------------------------------------------------------------------------

_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)
_RAW_ENTRY = re.compile(rb"[0-7]{5,6} [^\0]+\0.{20}", re.DOTALL)


def sort_key(entry: TreeEntry) -> bytes:
    """Key of git's order inside a tree: folders compare as if their name ended in `/`."""
    name = entry.name.encode()
    return name + b"/" if entry.mode == FOLDER else name


def encode_entry(entry: TreeEntry) -> bytes:
    """Return one entry as it stands in a tree's body."""
    return b"%o %s\0%s" % (entry.mode, entry.name.encode(), entry.oid)


def encode_tree(entries: Iterable[TreeEntry]) -> bytes:
    """Return the body of a tree; entries may come in any order.

    Raises:
        InvalidInput: A name, mode or object id is not allowed, or a name occurs twice.
    """
    ordered = sorted(entries, key=sort_key)
    if len({entry.name for entry in ordered}) != len(ordered):
        raise InvalidInput("A folder cannot hold two entries of the same name.")
    for entry in ordered:
        check_entry(entry)
    return b"".join(map(encode_entry, ordered))


def check_entry(entry: TreeEntry) -> None:
    """Check one entry's name, mode and object id.

    Raises:
        InvalidInput: One of them is not allowed.
    """
    if entry.mode not in MODES:
        raise InvalidInput(f"{entry.name!r} has mode {entry.mode:o}, which git does not know.")
    if len(entry.oid) != OID_SIZE or entry.oid == ZERO:
        raise InvalidInput(f"{entry.name!r} has no valid object id.")
    check_entry_name(entry.name)


def split_tree(body: bytes) -> list[bytes]:
    """Split a tree that was checked when it was stored into its encoded entries."""
    return _RAW_ENTRY.findall(body)


def raw_key(raw: bytes) -> bytes:
    """Key of git's order for an encoded entry."""
    mode, _, name = raw[: raw.index(b"\0")].partition(b" ")
    return name + b"/" if mode == b"40000" else name


def parse_tree(body: bytes) -> tuple[TreeEntry, ...]:
    """Parse a tree that was checked when it was stored."""
    return tuple(
        TreeEntry(name.decode(), int(mode, 8), oid) for mode, name, oid in _ENTRY.findall(body)
    )


def decode_tree(body: bytes) -> tuple[TreeEntry, ...]:
    """Parse a tree from an untrusted source.

    Raises:
        InvalidFormat: Truncated, unsorted, duplicate names, or bytes that are not UTF-8.
        InvalidInput: A name or mode that is not allowed.
    """
    raws = split_tree(body)
    if sum(map(len, raws)) != len(body):
        raise InvalidFormat("A tree is malformed: its entries do not fill it exactly.")
    entries = tuple(map(decode_entry, raws))
    keys = list(map(raw_key, raws))
    if keys != sorted(keys):
        raise InvalidFormat("A tree's entries are not in git's order.")
    if len({entry.name for entry in entries}) != len(entries):
        raise InvalidFormat("A tree holds the same name twice.")
    return entries


def decode_entry(raw: bytes) -> TreeEntry:
    """Parse one encoded entry from an untrusted source.

    Raises:
        InvalidFormat: A mode padded with zeros, or a name that is not UTF-8.
        InvalidInput: A name or mode that is not allowed.
    """
    head, oid = raw[: -OID_SIZE - 1], raw[-OID_SIZE:]
    mode, _, name = head.partition(b" ")
    if mode.startswith(b"0"):
        raise InvalidFormat("A tree has a mode padded with zeros.")
    try:
        entry = TreeEntry(name.decode(), int(mode, 8), oid)
    except UnicodeDecodeError:
        raise InvalidFormat("A tree holds a file name that is not valid UTF-8.") from None
    check_entry(entry)
    return entry


# -- commits and tags -----------------------------------------------------------------------

_OID = re.compile(rb"[0-9a-f]{40}")
_PERSON = re.compile(rb"([^<>\n\0]*) <([^<>\n\0]*)> (0|[1-9]\d{0,18}) ([+-])(\d\d)(\d\d)")
# Encodings found in real histories; Python knows others that are no encodings of text.
_ENCODING = re.compile(r"utf-8|latin-?1|iso-?8859-([1-9]|1[013-6])|cp125[0-8]|gbk|euc-jp|koi8-r")
_RESERVED = re.compile(r"[<>\x00-\x1f\x7f\ud800-\udfff]+")


def encode_commit(commit: Commit) -> bytes:
    """Return the body of a commit.

    Raises:
        InvalidInput: A name, e-mail address or the message holds a character git reserves.
    """
    lines = [b"tree %s" % _hex(commit.tree)]
    lines += [b"parent %s" % _hex(parent) for parent in commit.parents]
    lines += [b"author " + _encode_person(commit.author)]
    lines += [b"committer " + _encode_person(commit.committer)]
    for key, value in commit.extra:
        lines.append(key.encode() + b" " + value.replace(b"\n", b"\n "))
    return b"\n".join(lines) + b"\n\n" + _encode_message(commit.message)


def decode_commit(body: bytes) -> Commit:
    """Parse a commit.

    Raises:
        InvalidFormat: It breaks git's format; the message says where.
    """
    headers, message = _split(body, "commit")
    tree = _take_oid(headers, b"tree", "commit")
    parents = []
    while headers and headers[0][0] == b"parent":
        parents.append(_take_oid(headers, b"parent", "commit"))
    author = _take_person(headers, b"author", "commit")
    committer = _take_person(headers, b"committer", "commit")
    if any(key in {b"tree", b"parent", b"author", b"committer"} for key, _ in headers):
        raise InvalidFormat("A commit repeats one of its headers.")
    extra = tuple((key.decode("utf-8", "replace"), value) for key, value in headers)
    encoding = dict(extra).get("encoding", b"utf-8")
    return Commit(tree, tuple(parents), author, committer, _text(message, encoding), extra)


def encode_tag(tag: Tag) -> bytes:
    """Return the body of an annotated tag.

    Raises:
        InvalidInput: A text holds a character git reserves.
    """
    if _RESERVED.search(tag.name) or not tag.name:
        raise InvalidInput(f"{tag.name!r} cannot name a tag.")
    lines = [b"object %s" % _hex(tag.target), b"type " + tag.kind.word, b"tag " + tag.name.encode()]
    if tag.tagger is not None:
        lines.append(b"tagger " + _encode_person(tag.tagger))
    return b"\n".join(lines) + b"\n\n" + _encode_message(tag.message)


def decode_tag(body: bytes) -> Tag:
    """Parse an annotated tag.

    Raises:
        InvalidFormat: It breaks git's format; the message says where.
    """
    headers, message = _split(body, "tag")
    target = _take_oid(headers, b"object", "tag")
    words = {kind.word: kind for kind in Kind}
    kind = words.get(_take(headers, b"type", "tag"))
    if kind is None:
        raise InvalidFormat("A tag names an unknown type of object.")
    name = _take(headers, b"tag", "tag").decode("utf-8", "replace")
    tagger = _take_person(headers, b"tagger", "tag") if headers else None
    return Tag(target, kind, name, tagger, _text(message, b"utf-8"))


def _split(body: bytes, what: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Split headers from the message; a line that starts with a space continues a header."""
    head, blank, message = body.partition(b"\n\n")
    if not blank and not body.endswith(b"\n"):
        raise InvalidFormat(f"A {what} ends inside its headers.")
    if b"\0" in head:
        raise InvalidFormat(f"A {what} holds a NUL in its headers.")
    headers: list[tuple[bytes, bytes]] = []
    for line in head.rstrip(b"\n").split(b"\n"):
        if line.startswith(b" ") and headers:
            key, value = headers.pop()
            headers.append((key, value + b"\n" + line[1:]))
        else:
            key, _, value = line.partition(b" ")
            headers.append((key, value))
    return headers, message


def _take(headers: list[tuple[bytes, bytes]], key: bytes, what: str) -> bytes:
    if not headers or headers[0][0] != key:
        raise InvalidFormat(f"A {what} lacks its {key.decode()} line, or has it out of order.")
    return headers.pop(0)[1]


def _take_oid(headers: list[tuple[bytes, bytes]], key: bytes, what: str) -> bytes:
    value = _take(headers, key, what)
    if not _OID.fullmatch(value):
        raise InvalidFormat(f"A {what} has a malformed {key.decode()} line.")
    return bytes.fromhex(value.decode())


def _take_person(headers: list[tuple[bytes, bytes]], key: bytes, what: str) -> Signature:
    found = _PERSON.fullmatch(_take(headers, key, what))
    if found is None:
        raise InvalidFormat(f"A {what} has a malformed {key.decode()} line.")
    name, email, seconds, sign, hours, minutes = found.groups()
    if int(seconds) > MAX_SECONDS:
        raise InvalidFormat(f"A {what} is dated after the year 9999.")
    offset = int(hours) * 60 + int(minutes)
    if offset >= _MINUTES_PER_DAY:  # a few old tools wrote nonsense here
        offset = 0
    signed = -offset if sign == b"-" else offset
    return Signature(_text(name, b"utf-8"), _text(email, b"utf-8"), int(seconds), signed)


def _encode_person(who: Signature) -> bytes:
    if _RESERVED.search(who.name) or _RESERVED.search(who.email):
        raise InvalidInput(f"{who.name!r} <{who.email!r}> holds characters git reserves.")
    if not 0 <= who.seconds <= MAX_SECONDS:
        raise InvalidInput("A commit's date must lie between the years 1970 and 9999.")
    sign, offset = "-" if who.offset < 0 else "+", abs(who.offset)
    zone = f"{sign}{offset // 60:02d}{offset % 60:02d}"
    return f"{who.name} <{who.email}> {who.seconds} {zone}".encode()


def _encode_message(message: str) -> bytes:
    if "\0" in message:
        raise InvalidInput("A commit message must not hold a NUL character.")
    return message.encode("utf-8", "replace")


def _text(data: bytes, encoding: bytes) -> str:
    """Decode text that people wrote; what cannot be read is replaced, never an error."""
    name = encoding.decode("ascii", "replace").strip().lower()
    text = data.decode(name if _ENCODING.fullmatch(name) else "utf-8", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _clean(text: str) -> str:
    return _RESERVED.sub(" ", text).strip()


def _hex(oid: bytes) -> bytes:
    if len(oid) != OID_SIZE:
        raise InvalidInput("An object id has 20 bytes.")
    return oid.hex().encode()
