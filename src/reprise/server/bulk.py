"""Shards, up to 64 MiB, must be in memory whole: authorised first, within a budget."""

from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from reprise.base.errors import CorruptContent, InvalidInput, TooLarge, TooManyRequests
from reprise.registry.access import Action
from reprise.registry.xet.scope import Scope, open_scope
from reprise.server.calls import Call, Endpoint
from reprise.server.credentials import access_token
from reprise.server.threads import in_thread

BulkFace = Callable[[Call, Scope], Response]


class Budget:
    """Bytes of request bodies that may be in memory at the same time.

    Used from the event loop alone, hence without a lock.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, size: int) -> None:
        """Reserve bytes that have arrived.

        Raises:
            TooManyRequests: Too many uploads are under way; clients wait and try again.
        """
        if size > self._left:
            raise TooManyRequests("The hub is busy with other uploads; try again in a moment.")
        self._left -= size

    def give(self, size: int) -> None:
        """Return what was taken."""
        self._left += size


def bulk(function: BulkFace, *, limit: int) -> Endpoint:
    """Turn a face for large uploads into an endpoint.

    The xet token is checked before the first byte of the body is read.
    """

    async def endpoint(request: Request) -> Response:
        scope = await in_thread(request, _scope, request)
        body = _Body(request.app.state.budget, limit)
        try:
            data = await body.read(request)
            return await in_thread(request, _run, function, Call(request, data), scope)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is left to read it
        finally:
            body.release()

    return endpoint


def _scope(request: Request) -> Scope:
    call = Call(request)
    with call.registry.db.read() as conn:
        return open_scope(conn, call.registry, access_token(request), Action.WRITE)


def _run(function: BulkFace, call: Call, scope: Scope) -> Response:
    try:
        return function(call, scope)
    except CorruptContent as error:
        raise InvalidInput(error.message) from error  # the protocol says 400 here


class _Body:
    """A body being read, and its share of the budget."""

    def __init__(self, budget: Budget, limit: int) -> None:
        self._budget = budget
        self._limit = limit
        self._taken = 0

    async def read(self, request: Request) -> bytes:
        chunks = []
        async for chunk in request.stream():
            self._budget.take(len(chunk))
            self._taken += len(chunk)
            if self._taken > self._limit:
                raise TooLarge(f"The request body is over the limit of {self._limit} bytes.")
            chunks.append(chunk)
        return b"".join(chunks)

    def release(self) -> None:
        self._budget.give(self._taken)
        self._taken = 0
