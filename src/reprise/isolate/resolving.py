"""From requirements to a lock: exact versions, and the hash of every file."""

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprise.base.errors import HubUnreachable, IncompatibleDependencies, InvalidFormat
from reprise.formats import pylock
from reprise.formats.pylock import Lock, LockedPackage, Wheel
from reprise.isolate import installers
from reprise.isolate.installers import Installer, Run
from reprise.isolate.interpreter import Interpreter
from reprise.isolate.requirements import Sources, checked

# What installers say when they cannot reach anybody, as opposed to finding nothing that fits.
_UNREACHABLE = re.compile(
    r"dns error|Name or service not known|Temporary failure in name resolution|client error \(Con"
    r"|Connection refused|Max retries exceeded|Failed to establish a new connection|timed out"
    r"|Failed to fetch"
)
_LONGEST_REASON = 4000


def resolve(
    requirements: Sequence[str],
    interpreter: Interpreter,
    *,
    constraints: Sequence[str] = (),
    sources: Sources | None = None,
    installer: Installer | None = None,
    everywhere: bool = False,
) -> Lock:
    """Choose versions that go together and return them with the hashes of their wheels.

    Nothing is installed and no code of any package runs: packages without a wheel for this
    interpreter are an error.

    Args:
        requirements: Lines such as `numpy>=1.26`.
        interpreter: What the packages are for.
        constraints: Lines that limit versions of packages that are needed anyway.
        sources: Where packages come from.
        installer: Which program decides; uv or pip by default.
        everywhere: Also lock for other systems and newer Pythons. Only uv can; pip locks for this
            interpreter alone.

    Raises:
        InvalidInput: A line is not a plain requirement.
        IncompatibleDependencies: No versions go together; the error says which line wants what.
        HubUnreachable: The package index did not answer.
        MissingExtra: There is no installer.
    """
    lines, limits = checked(requirements), checked(constraints)
    chosen = installer or installers.choose(interpreter) if lines else None
    everywhere = everywhere and chosen is not None and chosen.kind == "uv"
    version = interpreter.short_version
    python = f">={version}" if everywhere else f"=={version}.*"
    if chosen is None:
        return Lock((), requires_python=python)
    places = sources or Sources()
    packages, run = _ask(chosen, interpreter, places, (lines, limits), everywhere=everywhere)
    if packages is None:
        raise _failure(chosen, run, lines, interpreter, asked=not places.offline)
    ordered = tuple(sorted(packages, key=lambda package: (package.name, package.version)))
    return Lock(ordered, requires_python=python)


def _ask(
    chosen: Installer,
    interpreter: Interpreter,
    sources: Sources,
    wanted: tuple[list[str], list[str]],
    *,
    everywhere: bool,
) -> tuple[list[LockedPackage] | None, Run]:
    """Let an installer choose; no packages when it could not."""
    with tempfile.TemporaryDirectory(prefix="reprise-resolve-") as name:
        folder = Path(name)
        for file, lines in zip(("requirements.txt", "constraints.txt"), wanted, strict=True):
            (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
        if chosen.kind == "pip":
            return _resolve_with_pip(chosen, sources, folder)
        options = ["--universal"] if everywhere else []
        options += installers.source_options(chosen, sources)
        return _resolve_with_uv(chosen, interpreter, options, folder)


def _resolve_with_uv(
    chosen: Installer, interpreter: Interpreter, options: list[str], folder: Path
) -> tuple[list[LockedPackage] | None, Run]:
    run = installers.call(
        chosen,
        ["pip", "compile", "requirements.txt", "--constraints", "constraints.txt", "--quiet",
         "--format", "pylock.toml", "--no-header", "--only-binary", ":all:",
         "--python", interpreter.executable, *options],
        folder=folder,
    )  # fmt: skip
    if run.code != 0:
        return None, run
    return [_absolute(package, folder) for package in pylock.read(run.output).packages], run


def _resolve_with_pip(
    chosen: Installer, sources: Sources, folder: Path
) -> tuple[list[LockedPackage] | None, Run]:
    run = installers.call(
        chosen,
        ["install", "--dry-run", "--ignore-installed", "--only-binary", ":all:",
         "--report", "report.json", "--requirement", "requirements.txt",
         "--constraint", "constraints.txt", *installers.source_options(chosen, sources)],
        folder=folder,
    )  # fmt: skip
    if run.code != 0:
        return None, run
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return [_from_report(item) for item in report["install"]], run


def _from_report(item: dict[str, Any]) -> LockedPackage:
    from packaging.utils import canonicalize_name

    metadata, info = item["metadata"], item["download_info"]
    digest = info.get("archive_info", {}).get("hashes", {}).get("sha256")
    if digest is None:
        raise InvalidFormat(f"The installer gave no SHA-256 for {metadata['name']}.")
    url = pylock.without_credentials(info["url"])
    wheel = Wheel(pylock.filename_of(url), digest, url)
    return LockedPackage(canonicalize_name(metadata["name"]), metadata["version"], (wheel,))


def _absolute(package: LockedPackage, folder: Path) -> LockedPackage:
    """Turn paths relative to the folder of the call into addresses."""
    wheels = tuple(
        wheel
        if wheel.url is None or "://" in wheel.url
        else Wheel(
            wheel.filename, wheel.sha256, (folder / wheel.url).resolve().as_uri(), wheel.size
        )
        for wheel in package.wheels
    )
    return LockedPackage(package.name, package.version, wheels, package.marker)


def _failure(
    chosen: Installer, run: Run, lines: list[str], interpreter: Interpreter, *, asked: bool
) -> IncompatibleDependencies | HubUnreachable:
    reason = _reason(chosen, run)
    disabled = asked and "network was disabled" in run.errors  # by the user's own settings
    if disabled or _UNREACHABLE.search(run.errors):
        return HubUnreachable("The package index did not answer.", hint=reason)
    return IncompatibleDependencies(
        f"These requirements cannot be installed together for Python {interpreter.short_version} "
        f"from wheels: {', '.join(lines)}",
        hint=f"{reason}\nLoosen one of them, choose another Python version, or build missing "
        "wheels once and offer their folder through find_links.",
    )


def _reason(chosen: Installer, run: Run) -> str:
    """Pick from what the installer printed the part that says which requirement wants what."""
    if chosen.kind == "pip":  # tells the cause of a conflict among its progress
        _, _, cause = run.output.partition("The conflict is caused by:\n")
        text = cause.partition("To fix this you could try")[0] or _told(run.errors)
        return _told(text.replace("ERROR: ", "").replace(" depends on ", " needs "))
    text = _told(run.errors)
    _, _, cause = text.partition("Because ")
    text = f"Because {cause}" if cause else text
    return text.replace("\n", " ").replace(" And because ", "\nAnd because ")


def _told(text: str) -> str:
    """Keep the lines that say what is wrong."""
    lines = [line.strip() for line in text.splitlines()]
    noise = ("WARNING", "hint:", "[notice")
    kept = [line for line in lines if line and not line.startswith(noise)]
    return "\n".join(kept)[:_LONGEST_REASON]
