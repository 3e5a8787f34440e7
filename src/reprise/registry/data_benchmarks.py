"""The benchmarks that a data set defines for itself, in a file of its repo."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from reprise.base.errors import InvalidFormat, InvalidId, NotFound
from reprise.base.ids import RepoId, RepoType
from reprise.formats import benchmark
from reprise.formats.benchmark import Benchmark
from reprise.registry import repos, served
from reprise.registry.access import ANONYMOUS, Repo, allowed

_MAX_FILE = 1 << 20  # bytes
_READERS = (
    (benchmark.PATH, benchmark.read),
    (benchmark.EVAL_YAML, benchmark.read_eval_yaml),
)


def of_data(conn: Connection, data: str) -> Sequence[Benchmark]:
    """Read what a public data set on this hub defines; nothing where it defines nothing sound.

    Args:
        conn: An open connection.
        data: Id of its repo, as claims write it.
    """
    try:
        repo = repos.lookup(conn, RepoType.DATASET, RepoId.parse(data))
    except InvalidId:  # on another hub
        return ()
    if repo is None or allowed(ANONYMOUS, repo) is None:
        return ()
    for path, read in _READERS:
        try:
            if text := small_text(conn, repo, path):
                return read(text)
        except InvalidFormat:
            continue
    return ()


@dataclass(frozen=True)
class Part:
    """Which part of a data set, and by which metric; the metric's version does not matter."""

    config: str | None
    split: str | None
    limit: int | None
    metric: str


def is_about(defined: Benchmark, part: Part) -> bool:
    """Tell whether a benchmark of a data set's own file is about a part of it."""
    data, metric = defined.data, defined.metric
    same_rows = (data.config, data.split, data.limit) == (part.config, part.split, part.limit)
    if data.repo is not None or not same_rows:
        return False
    return metric is None or metric.id.partition("@")[0] == part.metric.partition("@")[0]


def small_text(conn: Connection, repo: Repo, path: str) -> str:
    """Read a small file at the tip of a repo; nothing where there is none."""
    try:
        _, file = served.find(conn, repo, repo.default_branch, path)
    except NotFound:  # no commit yet
        return ""
    if file is None or file.pointer is not None or file.size > _MAX_FILE:
        return ""
    return served.read_blob(conn, repo, file).decode("utf-8", "replace")
