"""What the supervisor is asked to do: plain values that travel as JSON."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Spec:
    """One command with its limits; None means no limit.

    Attributes:
        command: Arguments; the first is an absolute path.
        env: The whole environment.
        folder: Working folder.
        private: Folder of this sandbox alone, deleted when the caller can no longer do it.
        level: 0 - only supervised; 1 - Landlock and seccomp; 2 - `command` begins with bubblewrap.
        landlock_abi: ABI version to use at level 1.
        network: Whether IP sockets are allowed.
        readable: Paths that may be read, at level 1.
        writable: Paths that may be changed, at level 1.
        watched: Folders whose size counts against `disk`.
        memory: Bytes, for each process and for all together.
        cpu_seconds: For all processes together.
        processes: Processes and threads.
        file_size: Bytes of the largest file.
        disk: Bytes in the watched folders and in deleted files still open.
        open_files: Of each process.
        wall_seconds: From start to end.
    """

    command: list[str]
    env: dict[str, str]
    folder: str
    private: str
    level: int
    landlock_abi: int
    network: bool
    readable: list[str]
    writable: list[str]
    watched: list[str]
    memory: int | None
    cpu_seconds: int | None
    processes: int | None
    file_size: int | None
    disk: int | None
    open_files: int | None
    wall_seconds: float | None

    def to_json(self) -> bytes:
        """Encode as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_json(cls, line: bytes) -> "Spec":
        """Decode what `to_json` made."""
        return cls(**json.loads(line))
