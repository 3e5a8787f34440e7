"""What is looked at before a folder is published: card, entry points, pickles, secrets."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats import card
from reprise.hub import locking, requirements
from reprise.hub.folder import Collected, LocalFile
from reprise.hub.manifest import Manifest, read_manifest

CARD = "README.md"
HUBCONF = "hubconf.py"
_MAX_CARD = 1 << 20  # bytes; longer READMEs are not read for metadata
_PICKLE_SUFFIXES = frozenset(".pt .pth .bin .ckpt .pkl .pickle .joblib .npy .dill".split())
_PICKLE_START = re.compile(rb"\x80[\x02-\x05]")  # protocols 2 to 5 announce themselves
_SECRET_NAMES = frozenset(".env .netrc .pypirc id_rsa id_ed25519 credentials.json".split())
_SECRET = re.compile(rb"\b(hf_[A-Za-z0-9]{30,}|gh[pousr]_[A-Za-z0-9]{36}|AKIA[A-Z0-9]{16})\b")
_SCANNED = 1 << 20  # bytes of one file; secrets hide in small text files


@dataclass(frozen=True)
class Finding:
    """Something to know before publishing. Errors stop it, warnings do not."""

    severity: Literal["error", "warning"]
    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


def check_folder(folder: Path, collected: Collected, repo_type: RepoType) -> list[Finding]:
    """List what is wrong with a folder that is about to be published, errors first."""
    paths = {file.path: file for file in collected.files}
    findings = [*_card(paths.get(CARD), repo_type)]
    if HUBCONF in paths:
        manifest = read_manifest(folder)
        findings += [*_hubconf(manifest), *_lock(folder, manifest)]
    for file in collected.files:
        findings += _pickle(file)
        findings += _secret(file)
    findings += [
        Finding("warning", path, "is neither a file nor a folder and stays behind")
        for path in collected.skipped
    ]
    return sorted(findings, key=lambda finding: finding.severity)


def _card(readme: LocalFile | None, repo_type: RepoType) -> Iterator[Finding]:
    if readme is None:
        needed = repo_type is RepoType.SPACE  # its card says what it runs on
        severity: Literal["error", "warning"] = "error" if needed else "warning"
        yield Finding(severity, CARD, "is missing, so people will not know what this is")
        return
    if readme.size > _MAX_CARD:
        yield Finding("error", CARD, f"is larger than {_MAX_CARD} bytes")
        return
    try:
        text = readme.local_path.read_bytes().decode()
    except UnicodeDecodeError as error:
        yield Finding("error", CARD, f"is not UTF-8: {error.reason} at byte {error.start}")
        return
    for problem in card.check(text, repo_type):
        yield Finding(problem.severity, CARD, problem.message, problem.line)


def _hubconf(manifest: Manifest) -> Iterator[Finding]:
    for problem in manifest.problems:
        broken = problem.file == HUBCONF
        severity: Literal["error", "warning"] = "error" if broken else "warning"
        yield Finding(severity, problem.file, problem.message, problem.line or None)
    own = [entry for entry in manifest.entry_points if entry.own]
    if not own and "dynamic-names" not in manifest.flags:
        yield Finding("error", HUBCONF, "offers no entry points: define a public function")
    for entry in own:
        if not entry.doc:
            message = f"entry point {entry.name!r} has no docstring for `reprise help`"
            yield Finding("warning", entry.file, message, entry.line or None)
    for item in manifest.dependencies:
        if item.inferred and not item.declared and not item.optional:
            where = item.where[0] if item.where else HUBCONF
            message = f"imports {item.import_name!r}, which `dependencies` does not name"
            yield Finding("warning", where, message)


def _lock(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    try:
        lock = locking.read_lock(folder)
    except InvalidFormat as error:
        yield Finding("error", locking.LOCK, f"cannot be read: {error.message}")
        return
    if lock is not None:
        for text in locking.lacking(lock, requirements.wanted(folder, manifest)):
            yield Finding("warning", locking.LOCK, f"{text}; lock again with --relock")


def _pickle(file: LocalFile) -> Iterator[Finding]:
    if Path(file.path).suffix.lower() in _PICKLE_SUFFIXES and _is_pickle(file.local_path):
        yield Finding(
            "warning",
            file.path,
            "is a pickle, which can run any code when it is loaded; publish safetensors instead",
        )


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        if _PICKLE_START.match(file.read(2)):
            return True
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _secret(file: LocalFile) -> Iterator[Finding]:
    name = file.path.rpartition("/")[2]
    if name in _SECRET_NAMES:
        yield Finding("error", file.path, "usually holds secrets; list it in .gitignore")
        return
    if file.size > _SCANNED:
        return
    data = file.local_path.read_bytes()
    if b"\0" not in data and (found := _SECRET.search(data)):
        line = data.count(b"\n", 0, found.start()) + 1
        shown = found[0][:6].decode()
        yield Finding("error", file.path, f"holds what looks like a secret ({shown}…)", line)
