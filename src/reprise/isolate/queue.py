"""A lock that serves in the order of asking."""

import threading
from collections import deque
from types import TracebackType


class Queue:
    """Lets one thread in at a time, first come, first served; used with `with`."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._busy = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._busy:
                self._busy = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            mine.acquire()
        except BaseException:  # interrupted while waiting, or just after being let in
            self._leave(mine)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(None)

    def _leave(self, mine: "threading.Lock | None") -> None:  # a function before Python 3.13
        with self._guard:
            if mine is not None and mine in self._waiting:
                self._waiting.remove(mine)
            elif self._waiting:
                self._waiting.popleft().release()
            else:
                self._busy = False
