"""Weights: fetched from the addresses in the code, and read without running code of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reprise.base.digests import is_sha256
from reprise.base.errors import RepriseError
from reprise.hub import checkpoint_store
from reprise.hub.checkpoints import checkpoint
from reprise.hub.manifest import Manifest
from reprise.hub.trials.addresses import Answer
from reprise.hub.trials.records import Trial, judged, listed, not_run
from reprise.hub.trials.setting import Setting, ask_object, in_one_line
from reprise.hub.url_transfer import public_url
from reprise.isolate.client import Worker

_WEIGHTS = frozenset({".safetensors", ".pt", ".pth", ".bin", ".ckpt"})
_LARGEST = 2 << 30  # bytes of one file that is read
_MOST = 200  # files


@dataclass(frozen=True)
class Fetched:
    """What became of the addresses of weights in the code."""

    files: Mapping[str, Path]  # address -> verified file
    problems: tuple[str, ...] = ()
    left: tuple[str, ...] = ()  # not fetched, with the reason


def fetch(manifest: Manifest, answers: Mapping[str, Answer], limit: int) -> Fetched:
    """Download the weights that the code names, each once, as far as `limit` bytes reach."""
    fetched: dict[str, Path] = {}
    problems: list[str] = []
    left: list[str] = []
    for item in manifest.weight_urls:
        answer = answers.get(item.url)
        if item.url in fetched or answer is None or answer.problem:
            continue
        if answer.size is None or answer.size > limit:
            size = "of unknown size" if answer.size is None else f"{answer.size} bytes"
            left.append(f"{public_url(item.url)[:200]} ({size})")
            continue
        limit -= answer.size
        try:
            fetched[item.url] = checkpoint(item.url, progress=False)
        except RepriseError as error:
            problems.append(in_one_line(error))
            continue
        sha256 = digest_of(fetched[item.url])
        if not sha256.startswith(item.hash_prefix or ""):
            problems.append(f"{public_url(item.url)[:200]} has the SHA-256 {sha256}")
    return Fetched(fetched, tuple(problems), tuple(left))


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file that the checkpoint store gave."""
    return file.name if is_sha256(file.name) else checkpoint_store.digest(file)


def try_weights(setting: Setting, worker: Worker, fetched: Fetched) -> Trial:
    """Read every file of weights in the repo, and those that were fetched."""
    name = "weights-load"
    files = {public_url(url): path for url, path in fetched.files.items()}
    files |= {str(path.relative_to(setting.snapshot.root)): path for path in _weights(setting)}
    large = [shown for shown, path in files.items() if path.stat().st_size > _LARGEST]
    left, problems, good = [*fetched.left, *large], [*fetched.problems], 0
    for shown, path in [it for it in files.items() if it[0] not in large][:_MOST]:
        told = _read(worker, shown, path)
        if told is None:
            left.append(f"{shown} (torch is not in the environment)")
        elif told:
            problems.append(f"{shown}: {told[:400]}")
        else:
            good += 1
    also = f"; not read: {listed(left)}" if left else ""
    if not problems and not good:
        return not_run(name, f"there are no files of weights{also}")
    return judged(name, problems, f"{good} files were read with weights_only=True{also}")


def _read(worker: Worker, shown: str, path: Path) -> str | None:
    """Let a worker read a file; return what is wrong, or None when it cannot tell."""
    place = str(path.resolve())  # which may have another name, in a cache
    try:
        told = ask_object(worker, "weights", files={place: Path(shown).suffix.lower()})
    except RepriseError as error:
        return in_one_line(error)
    answer = told.get(place)
    return None if answer is None else str(answer)


def _weights(setting: Setting) -> list[Path]:
    return [
        path
        for path in sorted(setting.snapshot.root.rglob("*"))
        if path.suffix.lower() in _WEIGHTS and path.is_file() and _is_checkpoint(path)
    ]


def _is_checkpoint(path: Path) -> bool:
    """Tell checkpoints from other files that end in `.bin`."""
    with path.open("rb") as file:
        start = file.read(2)
    return path.suffix.lower() != ".bin" or start == b"PK" or start[:1] == b"\x80"
