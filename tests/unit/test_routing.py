"""The index over the routes finds what asking every route would find."""

import pytest
from starlette.routing import Match

from reprise.server.app import ROUTES
from reprise.server.routing import IndexedRouter

PATHS = [
    "/", "//", "/health", "/metrics", "/favicon.ico", "/static/a/b.css", "/models", "/datasets",
    "/api/models", "/api/models/ada/bert", "/api/models/bert", "/api/models-tags-by-type",
    "/api/models/ada/bert/revision/main", "/api/models/ada/api", "/api/datasets/api/models",
    "/ada/bert", "/datasets/ada/bert", "/ada/bert/resolve/main/a/b.txt", "/resolve/resolve/x/y",
    "/ada/resolve/resolve/main/tree/main", "/ada/bert.git/info/lfs/objects/batch",
    "/ada/bert.git/info/refs", "/ada/bert/info/refs", "/cas/v1/xorbs/default/00",
    "/cas/xorb/default/00", "/cas/v1/reconstructions/00", "/cas/reconstruction/00", "/cas/xorbs",
    "/cas/v2/shards", "/api/lfs/objects/00", "/api/lfs/uploads/00/1", "/nowhere/at/all/of/us",
    "/github/ada/bert/zipball/", "/github/ada/bert/zipball/refs/heads/main", "/ada/bert/",
]  # fmt: skip


def full(method: str, path: str, routes: list) -> object:
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    return next((it for it in routes if it.matches(scope)[0] is Match.FULL), None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
def test_the_index_changes_nothing_but_the_time_it_takes(method: str) -> None:
    router = IndexedRouter(ROUTES)
    found = {path: full(method, path, router.candidates(path)) for path in PATHS}
    assert found == {path: full(method, path, ROUTES) for path in PATHS}


def test_few_routes_are_asked() -> None:
    router = IndexedRouter(ROUTES)
    assert len(router.candidates("/ada/bert/resolve/main/config.json")) < len(ROUTES) / 4
