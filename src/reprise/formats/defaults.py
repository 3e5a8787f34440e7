"""`defaults.json`: which model runs a task when nobody names one, signed by the hub that says so.

The file is a DSSE envelope. What is signed names the public key of the hub's operator, so that a
client that sees a hub for the first time knows which key to remember:

    {"version": 1, "key": "ssh-ed25519 AAAA… hub",
     "models": {"text-classification": {"repo": "owner/name", "commit": "0123…"}}}
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reprise.base.digests import canonical_json
from reprise.base.errors import InvalidId
from reprise.base.ids import RepoId
from reprise.formats import dsse, self_signed, sshsig
from reprise.formats.reading import Reader
from reprise.formats.self_signed import Kind
from reprise.formats.tasks import TASKS, canonical_task

PAYLOAD_TYPE = "application/vnd.reprise.defaults+json"
MAX_SIZE = 1 << 20  # bytes of a file
_VERSION = 1
_KIND = Kind(PAYLOAD_TYPE, "This list of default models", MAX_SIZE)
_COMMENT = "hub"


@dataclass(frozen=True)
class Default:
    """The model of one task, at one commit of 40 hex digits."""

    repo: RepoId
    commit: str


@dataclass(frozen=True)
class Defaults:
    """What a hub says: models by task, and the public key it signs with, 32 raw bytes."""

    key: bytes
    models: Mapping[str, Default]

    def of(self, *names: str) -> Default | None:
        """Return the model of the first name that has one."""
        return next((self.models[name] for name in names if name in self.models), None)


def is_task(name: str) -> bool:
    """Tell whether a default can be set for a name: a task, or `translation_xx_to_yy`."""
    return canonical_task(name) in TASKS


def seal(models: Mapping[str, Default], private: bytes) -> bytes:
    """Return the file of these models, signed with an Ed25519 private key of 32 raw bytes.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    payload = {
        "version": _VERSION,
        "key": sshsig.public_line(dsse.public_key(private), _COMMENT),
        "models": {
            task: {"repo": str(found.repo), "commit": found.commit}
            for task, found in sorted(models.items())
        },
    }
    return dsse.encode(dsse.sign(canonical_json(payload), private, PAYLOAD_TYPE))


def unseal(data: bytes) -> Defaults:
    """Read a file and check that the key it names signed it; whether to trust it is for the caller.

    Raises:
        InvalidFormat: It is no such file.
        CorruptContent: It was changed after it was signed.
        MissingExtra: `cryptography` is not installed.
    """
    return self_signed.unseal(data, _KIND, _read)


def _read(reader: Reader) -> Defaults:
    if (version := reader.whole("version")) != _VERSION:
        raise reader.wrong("version", f"is {version}, and this program reads {_VERSION}")
    key = sshsig.public_key(reader.text("key"))
    models = reader.plain("models")
    reader.end()
    return Defaults(key, {
        task: _default(Reader(item, f"models.{task}", _KIND.what)) for task, item in models.items()
    })  # fmt: skip


def _default(reader: Reader) -> Default:
    name, commit = reader.text("repo"), reader.commit("commit")
    reader.end()
    if commit is None:
        raise reader.wrong("commit", "is missing")
    try:
        return Default(RepoId.parse(name), commit)
    except InvalidId as error:
        raise reader.wrong("repo", f"is none: {error.message}") from None
