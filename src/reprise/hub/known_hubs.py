"""The keys that hubs sign with, remembered from the first time each was seen.

The file lies beside the one that remembers whose code may run:

    {"version": 1, "hubs": {"https://hub.example.org": {"key": "ssh-ed25519 AAAA…"}}}
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.errors import CorruptContent, InvalidFormat
from reprise.base.files import write_bytes
from reprise.formats import dsse, sshsig
from reprise.hub import settings

_VERSION = 1


@dataclass(frozen=True)
class KnownHubs:
    """What the file says."""

    path: Path

    def check(self, endpoint: str, key: bytes) -> bool:
        """Compare a hub's public key with the one that is remembered; the first is remembered.

        Returns:
            Whether the hub was known already.

        Raises:
            CorruptContent: The hub has another key now.
        """
        from filelock import FileLock

        line = sshsig.public_line(key)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f"{self.path.name}.lock")):
            hubs = self._read()
            if endpoint not in hubs:
                self._write(hubs | {endpoint: {"key": line}})
                return False
        if hubs[endpoint]["key"] != line:
            raise self._changed(endpoint, hubs[endpoint]["key"], key)
        return True

    def _changed(self, endpoint: str, before: str, key: bytes) -> CorruptContent:
        known = dsse.key_id(sshsig.public_key(before))
        return CorruptContent(
            f"{endpoint} signs with another key than before: {dsse.key_id(key)}, not {known}.",
            hint="Somebody may be answering in its name. Ask its operator, who sees the right key "
            f"with: reprise defaults list\nIf it is the new one, take {endpoint} out of "
            f"{self.path} and try again.",
        )

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            return _checked(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError, InvalidFormat) as error:
            raise InvalidFormat(
                f"The file of known hubs {self.path} cannot be read: {error}",
                hint="Correct it, or delete it and trust each hub anew.",
            ) from None

    def _write(self, hubs: dict[str, dict[str, str]]) -> None:
        data = json.dumps({"version": _VERSION, "hubs": hubs}, indent=2) + "\n"
        write_bytes(self.path, data.encode())


def known_hubs() -> KnownHubs:
    """Open the file of this user."""
    return KnownHubs(settings.trust_file().with_name("known_hubs.json"))


def _checked(value: Any) -> dict[str, dict[str, str]]:
    hubs = value.get("hubs") if isinstance(value, dict) else None
    if not isinstance(hubs, dict) or value.get("version") != _VERSION:
        raise ValueError(f'expected {{"version": {_VERSION}, "hubs": {{…}}}}')
    for each in hubs.values():
        if not isinstance(each, dict) or not isinstance(each.get("key"), str):
            raise InvalidFormat('each hub needs the text "key"')
        sshsig.public_key(each["key"])
    return hubs
