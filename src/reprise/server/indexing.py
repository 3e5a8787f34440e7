"""A thread that reads manifests, weights and claims after commits: no commit waits for it.

When a hub starts, it also reads what older versions read less of: manifests, cards.
"""

import logging
import threading

from reprise.registry import (
    card_backlog,
    claim_reading,
    manifest_backlog,
    manifests,
    parameters,
)
from reprise.registry.parameters import HeaderCache
from reprise.registry.registry import Registry

_log = logging.getLogger(__name__)


class Indexer:
    """Catches up with manifests that are due, in one thread that ends when none are left.

    What is due is kept in the database: a hub that stops meanwhile goes on when it is woken next.
    """

    def __init__(self, registry: Registry, headers: HeaderCache) -> None:
        self._registry, self._headers = registry, headers
        self._lock = threading.Lock()
        self._again = False
        self._backlog = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """As `wake`, and look for repos that nobody read before: call it when the hub starts."""
        self._backlog = True
        self.wake()

    def wake(self) -> None:
        """See to it that everything due by now will be read; returns at once."""
        with self._lock:
            self._again = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="manifests", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is being read; tells whether that came within the time."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def _work(self) -> None:
        while self._goes_on():
            try:
                was_started = self._note_backlog()
                claim_reading.catch_up(self._registry)
                manifests.catch_up(self._registry)
                parameters.catch_up(self._registry, self._headers)
                if was_started:
                    self._describe_again()
            except Exception:  # noqa: BLE001 - the database went away: what is due stays due
                _log.exception("Manifests could not be brought up to date")

    def _note_backlog(self) -> bool:
        if not self._backlog:
            return False
        with self._registry.db.write() as conn:
            noted = manifest_backlog.note(conn, now=self._registry.clock())
        self._backlog = False
        if noted:
            _log.info("Reading the entry points of %d repos that nobody read yet", noted)
        return True

    def _describe_again(self) -> None:
        done = card_backlog.catch_up(self._registry)
        if done:
            _log.info("Read the cards of %d repos that an older version read", done)

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._again:
                self._thread = None
                return False
            self._again = False
            return True
