"""What a worker is told when it starts."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GB = 1_000_000_000
_SHARE = 2  # of the machine's memory, where nobody says how much


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a worker is told when it starts.

    Attributes:
        hub: Base URL of the hub.
        token: Access token that may register workers.
        name: What the hub calls the worker.
        memory: Bytes that models may take together, measured.
        slots: Jobs at once.
        engine: "onnx", "torch" or "auto".
        threads: Threads of a model; 0: the engine chooses.
        device: Where torch computes, such as cuda; empty: on the processor.
        dtype: In which numbers torch computes, such as bfloat16; empty: float32.
        rows: Most answers that a model writes together.
        grace: Seconds that running jobs get when the worker is told to end.
        loading: Seconds that fetching and loading a model may take.
    """

    hub: str
    token: str
    name: str = "worker"
    memory: int = 4 * GB
    slots: int = 32
    engine: str = "auto"
    threads: int = 0
    device: str = ""
    dtype: str = ""
    rows: int = 32
    grace: float = 30.0
    loading: float = 1800.0


def half_of_memory() -> int:
    """Give half of this machine's memory, or of what the control group allows; bytes."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    with suppress(OSError, ValueError):  # no control groups, or no limit ("max")
        whole = min(whole, int(limit.read_text()))
    return whole // _SHARE
