"""Counting downloads without a write per request.

One download is one caller loading one repo: all the files that he fetches within a few minutes
count together. Counts gather in memory and reach the database in batches; a crash loses the last
seconds of them, which is the price of never waiting for a disk.
"""

import threading
from collections import Counter
from itertools import islice

from sqlalchemy import bindparam, update

from reprise.registry.db.schema import repo
from reprise.registry.registry import Registry

_MICROS = 1_000_000
WINDOW = 300 * _MICROS  # fetches within it belong to one download
FLUSH_EVERY = 10 * _MICROS
_MAX_REMEMBERED = 100_000  # pairs of caller and repo

_ADD = (
    update(repo)
    .where(repo.c.id == bindparam("number"))
    .values(downloads=repo.c.downloads + bindparam("times"))
)


class Downloads:
    """The counts of one process. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int], int] = {}
        self._counts: Counter[int] = Counter()
        self._flushed = 0

    def note(self, repo_id: int, who: str, *, now: int) -> bool:
        """Note that somebody fetches a file; tell whether it is time to `flush`."""
        with self._lock:
            last = self._seen.get((who, repo_id))
            if last is None or now - last >= WINDOW:
                self._counts[repo_id] += 1
                self._seen.pop((who, repo_id), None)
                self._seen[who, repo_id] = now
                self._forget(now)
            return bool(self._counts) and now - self._flushed >= FLUSH_EVERY

    def flush(self, registry: Registry) -> None:
        """Write the counts to the database."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._flushed = registry.clock()
        if counts:
            rows = [{"number": number, "times": times} for number, times in counts.items()]
            with registry.db.write() as conn:
                conn.execute(_ADD, sorted(rows, key=lambda row: row["number"]))

    def _forget(self, now: int) -> None:
        """Drop what is out of the window; entries are in the order of their times."""
        for key, last in list(islice(self._seen.items(), 2)):
            if now - last >= WINDOW or len(self._seen) > _MAX_REMEMBERED:
                del self._seen[key]
