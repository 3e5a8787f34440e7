"""Find a request's route without asking each of a hundred.

A route can match a path only if the path has all the whole words of the route's pattern. Each
route is therefore kept under the rarest of its words, and a request asks those whose word it has.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from starlette.routing import Match, Route, Router
from starlette.types import Receive, Scope, Send

_Place = tuple[int, Route]


class IndexedRouter(Router):
    """Starlette's router; the order of the routes counts as ever."""

    def __init__(self, routes: Sequence[Route]) -> None:
        super().__init__(routes)
        words = [_words(route) for route in routes]
        uses = Counter(word for some in words for word in some)
        self._without_words: list[_Place] = []
        self._by_word: defaultdict[str, list[_Place]] = defaultdict(list)
        for number, (route, some) in enumerate(zip(routes, words, strict=True)):
            kept = self._by_word[min(some, key=uses.__getitem__)] if some else self._without_words
            kept.append((number, route))

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; what no route takes as it is falls to Starlette."""
        if scope["type"] == "http" and not scope.get("root_path"):
            for route in self.candidates(scope["path"]):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found, route=route, router=self)
                    await route.handle(scope, receive, send)
                    return
        await super().app(scope, receive, send)

    def candidates(self, path: str) -> list[Route]:
        """List the routes that might match a path, in their order."""
        found = list(self._without_words)
        for word in set(path.split("/")):
            found += self._by_word.get(word, ())
        found.sort(key=_number)
        return [route for _, route in found]


def _number(place: _Place) -> int:
    return place[0]


def _words(route: Route) -> set[str]:
    return {part for part in route.path.split("/") if part and "{" not in part}
