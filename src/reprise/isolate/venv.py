"""Virtual environments: three files and some links, which no installer is needed for."""

from pathlib import Path

from reprise.isolate.interpreter import Interpreter


def create(folder: Path, interpreter: Interpreter) -> Path:
    """Make an empty environment and return its interpreter.

    It holds no absolute path of itself, so it may be renamed into place.
    """
    programs = folder / "bin"
    programs.mkdir(parents=True)
    site_packages(folder, interpreter).mkdir(parents=True)
    (folder / "lib64").symlink_to("lib")
    python = programs / "python"
    python.symlink_to(interpreter.executable)
    for name in ("python3", f"python{interpreter.short_version}"):
        (programs / name).symlink_to("python")
    settings = {
        "home": str(interpreter.executable.parent),
        "include-system-site-packages": "false",
        "version": interpreter.full_version,
        "relocatable": "true",
    }
    text = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (folder / "pyvenv.cfg").write_text(text, encoding="utf-8")
    return python


def site_packages(folder: Path, interpreter: Interpreter) -> Path:
    """Return where an environment keeps its packages."""
    return folder / "lib" / f"python{interpreter.short_version}" / "site-packages"
