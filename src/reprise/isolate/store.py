"""Unpacked wheels, each once; environments hard-link their files.

`<root>/wheels/<sha256>-<cache tag>/` is laid out like an installation (`lib/python3.11/...`,
`bin/`), with compiled modules beside the sources, and is complete or absent. Files are read-only,
because every environment shares them.
"""

import csv
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reprise.base.errors import CorruptContent, HubUnreachable, OfflineMiss
from reprise.formats.pylock import LockedPackage, Wheel
from reprise.isolate import installers, venv, wheels
from reprise.isolate.compiling import compile_modules
from reprise.isolate.installers import Installer
from reprise.isolate.interpreter import Interpreter
from reprise.isolate.progress import Progress, Step
from reprise.isolate.requirements import Sources

Chosen = tuple[LockedPackage, Wheel]
_STAGING = ".staging-"


@dataclass(frozen=True)
class Store:
    """The unpacked wheels for one interpreter below a root folder."""

    root: Path
    interpreter: Interpreter

    def tree(self, wheel: Wheel) -> Path:
        """Return where a wheel lies, or would lie, unpacked."""
        return self.root / "wheels" / tree_name(wheel.sha256, self.interpreter.cache_tag)

    def fill(
        self,
        chosen: Sequence[Chosen],
        *,
        sources: Sources,
        installer: Installer | None,
        progress: Progress,
    ) -> None:
        """Make sure that all wheels are there, unpacked and compiled.

        Raises:
            CorruptContent: A file does not have the hash in the lock.
            HubUnreachable: A file could not be fetched.
            OfflineMiss: It would have to be fetched, but there is no network.
        """
        with locked(self.root, "wheels", progress):
            missing = [item for item in chosen if not self.tree(item[1]).is_dir()]
            if not missing:
                return
            for leftover in (self.root / "wheels").glob(f"{_STAGING}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            staging = self.root / "wheels" / f"{_STAGING}{uuid.uuid4().hex}"
            staging.mkdir(parents=True)
            try:
                self._unpack_all(missing, staging, sources, installer, progress)
                progress(Step("compile", f"{len(missing)} packages"))
                compile_modules(staging, self.interpreter)
                for _, wheel in missing:
                    tree = staging / wheel.sha256
                    _seal(tree)
                    tree.rename(self.tree(wheel))
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def _unpack_all(
        self,
        missing: list[Chosen],
        staging: Path,
        sources: Sources,
        installer: Installer | None,
        progress: Progress,
    ) -> None:
        """Unpack what lies on this machine, then let the installer fetch the rest."""
        remote = []
        for number, (package, wheel) in enumerate(missing):
            path = _local_file(wheel, sources)
            if path is None:
                remote.append((package, wheel))
                continue
            progress(Step("unpack", wheel.filename, number, len(missing)))
            wheels.check(path, wheel)
            wheels.unpack(path, staging / wheel.sha256, self.interpreter.short_version)
        if remote:
            progress(Step("fetch", ", ".join(p.name for p, _ in remote), 0, len(remote)))
            chosen = installer or installers.choose(self.interpreter)
            if chosen.kind == "uv":
                self._fetch_with_uv(chosen, remote, staging, sources)
            else:
                self._fetch_with_pip(chosen, remote, staging, sources, progress)

    def _fetch_with_pip(
        self,
        chosen: Installer,
        remote: list[Chosen],
        staging: Path,
        sources: Sources,
        progress: Progress,
    ) -> None:
        with tempfile.TemporaryDirectory(dir=staging, prefix="download-") as name:
            folder = Path(name)
            options = ["download", "--no-deps", "--require-hashes", "--only-binary", ":all:",
                       "--quiet", "--dest", "."]  # fmt: skip
            _call(chosen, options, remote, folder, sources)
            for number, (_, wheel) in enumerate(remote):
                progress(Step("unpack", wheel.filename, number, len(remote)))
                path = folder / wheel.filename
                if not path.is_file():
                    raise CorruptContent(f"The installer fetched no {wheel.filename}.")
                wheels.check(path, wheel)
                wheels.unpack(path, staging / wheel.sha256, self.interpreter.short_version)

    def _fetch_with_uv(
        self, chosen: Installer, remote: list[Chosen], staging: Path, sources: Sources
    ) -> None:
        """Install into a throw-away environment, copied from uv's cache, and split it.

        Copied, because files that other environments link to could change under us.
        """
        with tempfile.TemporaryDirectory(dir=staging, prefix="install-") as name:
            folder = Path(name)
            python = venv.create(folder / "all", self.interpreter)
            options = ["pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:",
                       "--quiet", "--link-mode", "copy", "--python", str(python)]  # fmt: skip
            _call(chosen, options, remote, folder, sources)
            site = venv.site_packages(folder / "all", self.interpreter)
            for package, wheel in remote:
                _split(site, package, folder / "all", staging / wheel.sha256)


def tree_name(sha256: str, cache_tag: str) -> str:
    """Return the name of a folder of the store."""
    return f"{sha256}-{cache_tag}"


@contextmanager
def locked(root: Path, name: str, progress: Progress) -> Iterator[None]:
    """Keep other processes out; says so when it has to wait."""
    from filelock import FileLock, Timeout

    folder = root / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(Step("wait", "another process is building an environment"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def link_tree(source: Path, target: Path) -> None:
    """Merge a tree into another with hard links; a file that exists already stays.

    Where the file system has no hard links, or no more of them, files are copied.
    """
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            place = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                link_tree(source / entry.name, place)
            else:
                _link(entry.path, place)


def _link(source: str, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        return  # two wheels own the file, as namespace packages do; the first one keeps it
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _call(
    chosen: Installer, options: list[str], remote: list[Chosen], folder: Path, sources: Sources
) -> None:
    """Fetch by name and version, where the index and its caches know the file; else by address."""
    by_name = [f"{p.name}=={p.version} --hash=sha256:{w.sha256}" for p, w in remote]
    by_url = [
        f"{p.name} @ {w.url} --hash=sha256:{w.sha256}"
        if (w.url or "").startswith(("https://", "http://"))
        else line
        for (p, w), line in zip(remote, by_name, strict=True)
    ]
    errors = ""
    for lines in (by_name, by_url) if by_url != by_name else (by_name,):
        (folder / "locked.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        arguments = [*options, "--requirement", "locked.txt"]
        run = installers.call(
            chosen, [*arguments, *installers.source_options(chosen, sources)], folder=folder
        )
        if run.code == 0:
            return
        errors = errors or run.errors
    names = ", ".join(f"{package.name} {package.version}" for package, _ in remote)
    if "do not match the hashes" in errors.lower() or "hash mismatch" in errors.lower():
        raise CorruptContent(f"A file of {names} differs from the lock.", hint=errors[-2000:])
    if sources.offline:
        raise OfflineMiss(f"Not on this machine, and offline: {names}.", hint=errors[-2000:])
    raise HubUnreachable(f"Could not fetch {names}.", hint=errors[-2000:])


def _local_file(wheel: Wheel, sources: Sources) -> Path | None:
    places = [folder / wheel.filename for folder in sources.folders()]
    if wheel.url and wheel.url.startswith("file://"):
        places.append(Path(unquote(urlsplit(wheel.url).path)))
    return next((path for path in places if path.is_file()), None)


def _split(site: Path, package: LockedPackage, prefix: Path, tree: Path) -> None:
    """Move the files of one package, as its record lists them, out of an environment."""
    info = _info_of(site, package)
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            source = Path(os.path.normpath(site / row[0]))
            relative = source.relative_to(prefix)  # ValueError: a record that points outside
            if source.is_file() and relative.parts[-1] not in {"REQUESTED", "direct_url.json"}:
                target = tree / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)


def _info_of(site: Path, package: LockedPackage) -> Path:
    from packaging.utils import canonicalize_name

    for folder in site.glob("*.dist-info"):
        if canonicalize_name(folder.name.partition("-")[0]) == package.name:
            return folder
    raise CorruptContent(f"The installer reported success, but {package.name} is not there.")


def _seal(tree: Path) -> None:
    """Make files read-only; whatever is not a file has no business in a wheel."""
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                raise CorruptContent(f"{name} is not a plain file.")
            path.chmod(0o555 if status.st_mode & 0o111 else 0o444)
