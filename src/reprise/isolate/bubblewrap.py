"""The command line of bubblewrap for one sandbox."""

from pathlib import Path

from reprise.isolate.limits import GIB, Limits

# Folders in memory, for programs that insist on them; real work belongs into the private folder.
_SCRATCH = GIB // 4


def wrap(
    command: list[str], program: Path, paths: tuple[list[str], list[str]], limits: Limits
) -> list[str]:
    """Return `command` inside namespaces of its own.

    Args:
        command: What to run inside; its program must lie below a readable path.
        program: The program bwrap.
        paths: Readable and writable paths; the last writable one is the private folder.
        limits: For the network and for the size of folders in memory.
    """
    readable, writable = paths
    network = ["--share-net"] if limits.network else []
    return [
        str(program), "--unshare-all", *network, "--die-with-parent", "--new-session",
        "--cap-drop", "ALL", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox",
        "--proc", "/proc", "--dev", "/dev",
        *_memory_folder("/dev/shm", limits), *_memory_folder("/tmp", limits),  # noqa: S108
        *_binds(readable, writable),
        "--remount-ro", "/dev", "--remount-ro", "/",
        "--chdir", writable[-1], "--", *command,
    ]  # fmt: skip


def _memory_folder(path: str, limits: Limits) -> list[str]:
    size = _SCRATCH if limits.memory is None else min(_SCRATCH, limits.memory // 4)
    return ["--size", str(max(size, 1 << 20)), "--tmpfs", path]


def _binds(readable: list[str], writable: list[str]) -> list[str]:
    """Mount outer folders before the ones inside them; for the same path, writing wins."""
    modes = dict.fromkeys(readable, "--ro-bind") | dict.fromkeys(writable, "--bind")
    ordered = sorted(modes, key=lambda path: (path.count("/"), path))
    return [word for path in ordered for word in (modes[path], path, path)]
