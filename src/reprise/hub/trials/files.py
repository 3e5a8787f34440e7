"""Weights: fetched from the addresses in the code, and read without running code of theirs."""

from collections.abc import Mapping
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

_WEIGHTS = frozenset({".safetensors", ".pt", ".pth", ".bin", ".ckpt"})
_LARGEST = 2 << 30  # bytes of one file that is read
_MOST = 200  # files


def fetch(
    manifest: Manifest, answers: Mapping[str, Answer], limit: int
) -> tuple[dict[str, Path], list[str], list[str]]:
    """Download the weights that the code names, each once, as far as `limit` bytes reach.

    Returns:
        Verified files by address, what is wrong with others, and what was left out.
    """
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
    return fetched, problems, left


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file that the checkpoint store gave."""
    return file.name if is_sha256(file.name) else checkpoint_store.digest(file)


def try_weights(
    setting: Setting, fetched: Mapping[str, Path], problems: list[str], left: list[str]
) -> Trial:
    """Read every file of weights in the repo, and those that were fetched."""
    name = "weights-load"
    files = {public_url(url): path for url, path in fetched.items()}
    files |= {str(path.relative_to(setting.snapshot.root)): path for path in _weights(setting)}
    left = [*left, *(shown for shown, path in files.items() if path.stat().st_size > _LARGEST)]
    chosen = {shown: path for shown, path in files.items() if shown not in left}
    problems, good = list(problems), 0
    with setting.worker() as worker:
        for shown, path in list(chosen.items())[:_MOST]:
            place = str(path.resolve())  # which may have another name, in a cache
            kind = Path(shown).suffix.lower()
            try:
                told = ask_object(worker, "weights", files={place: kind}).get(place)
            except RepriseError as error:
                told = in_one_line(error)
            if told is None:
                left.append(f"{shown} (torch is not in the environment)")
            elif told:
                problems.append(f"{shown}: {str(told)[:400]}")
            else:
                good += 1
    also = f"; not read: {listed(left)}" if left else ""
    if not problems and not good:
        return not_run(name, f"there are no files of weights{also}")
    return judged(name, problems, f"{good} files were read with weights_only=True{also}")


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
