"""What a client sends to `git-receive-pack`, and how it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.registry.git.objects import OID_SIZE, ZERO
from reprise.registry.git.pktline import FLUSH, Bands, Sink, packet, read_lines

_SIDE_BAND_64K = 65_520
_SIDE_BAND_64K_WORD = "side-band-64k"
_HEX = 2 * OID_SIZE
# Refs moved by one push; each costs a few queries while the repo is locked.
_MAX_COMMANDS = 2000
_REASON = 300  # characters of a refusal on a ref's own line


@dataclass(frozen=True)
class Command:
    """One ref to move: from `old` (None: it is new) to `new` (None: it is deleted)."""

    ref: str
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True)
class PushRequest:
    """A push. The pack, if there is one, begins at byte `pack_at` of the request."""

    commands: tuple[Command, ...]
    capabilities: frozenset[str]
    pack_at: int

    @property
    def has_pack(self) -> bool:
        """Whether objects come with it; deletions bring none."""
        return any(command.new is not None for command in self.commands)


@dataclass(frozen=True)
class Report:
    """What became of a push. `refusals` is parallel to the commands; None means done."""

    refusals: Sequence[str | None]
    unpack: str = "ok"
    notes: Sequence[str] = ()  # lines for the user


def read_push(source: BinaryIO) -> PushRequest:
    """Read the commands of a push; the source is left at the start of the pack.

    Raises:
        InvalidFormat, InvalidInput: Malformed or contradictory commands.
    """
    commands: list[Command] = []
    capabilities: frozenset[str] = frozenset()
    for line in read_lines(source):
        if line.startswith((b"shallow ", b"push-cert")):
            continue  # the connectivity check decides, whatever the client has
        head, nul, words = line.partition(b"\0")
        if nul:
            capabilities = frozenset(words.decode("utf-8", "replace").split())
        commands.append(_command(head))
        if len(commands) > _MAX_COMMANDS:
            raise InvalidInput(f"A push may move at most {_MAX_COMMANDS} refs.")
    if "push-options" in capabilities:
        for _ in read_lines(source):
            continue  # no option means anything to this hub
    names = [command.ref for command in commands]
    if len(set(names)) != len(names):
        raise InvalidInput("A push names the same ref twice.")
    return PushRequest(tuple(commands), capabilities, source.tell())


def write_report(request: PushRequest, report: Report, sink: Sink) -> None:
    """Tell the client what became of each ref."""
    limit = _SIDE_BAND_64K if _SIDE_BAND_64K_WORD in request.capabilities else 0
    bands = Bands(sink, limit)
    for note in report.notes:
        bands.progress(f"{note}\n")
    if "report-status" in request.capabilities:
        bands.write(b"".join(_status_lines(request, report)))
    bands.finish()


def _status_lines(request: PushRequest, report: Report) -> list[bytes]:
    lines = [packet(f"unpack {_one_line(report.unpack)}\n")]
    for command, refusal in zip(request.commands, report.refusals, strict=True):
        if refusal is None:
            lines.append(packet(f"ok {command.ref}\n"))
        else:
            lines.append(packet(f"ng {command.ref} {_one_line(refusal)}\n"))
    return [*lines, FLUSH]


def _command(line: bytes) -> Command:
    try:
        old, new, ref = line.decode().split(" ", 2)
        ends = bytes.fromhex(old), bytes.fromhex(new)
    except ValueError:
        raise InvalidFormat(f"Malformed command in a push: {line[:200]!r}.") from None
    if len(old) != _HEX or len(new) != _HEX or ends == (ZERO, ZERO):
        raise InvalidFormat(f"Malformed command in a push: {line[:200]!r}.")
    return Command(ref, *(None if oid == ZERO else oid for oid in ends))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _REASON else f"{line[:_REASON]}…"
