"""Fixtures: a registry in a temporary folder, and a live hub on a free port."""

import logging
import os
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

# The Hub client reads its settings once, at import: give it a home of its own before that.
_HOME = tempfile.mkdtemp(prefix="reprise-tests-")
os.environ.update(
    HOME=_HOME,
    HF_HOME=f"{_HOME}/hf",
    XDG_CACHE_HOME=f"{_HOME}/cache",
    TORCH_HOME=f"{_HOME}/torch",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_UPDATE_CHECK="1",
    GIT_CONFIG_GLOBAL=f"{_HOME}/gitconfig",
    GIT_CONFIG_NOSYSTEM="1",
    GIT_TERMINAL_PROMPT="0",
)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side already
for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
    os.environ.pop(name, None)

import hypothesis  # noqa: E402 - the environment comes first
import pytest  # noqa: E402
import uvicorn  # noqa: E402
from sqlalchemy import create_engine, text  # noqa: E402

from reprise.registry.db import migrate  # noqa: E402
from reprise.registry.db.schema import metadata  # noqa: E402
from reprise.registry.registry import Registry  # noqa: E402
from reprise.server.app import create_app  # noqa: E402
from reprise.server.inference.settings import Settings  # noqa: E402
from reprise.server.protocol import HubProtocol  # noqa: E402
from reprise.server.serving import finish  # noqa: E402
from tests.factories import Hub, make_token, make_user  # noqa: E402
from tests.scripted_hub import ScriptedHub  # noqa: E402

# CI looks at the same examples every time, so that a change is judged by itself; people's machines
# look at new ones each run, and what they find becomes an example.
hypothesis.settings.register_profile("ci", derandomize=True, max_examples=30)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

# Set to a PostgreSQL URL, every registry of the suite lives there instead of in SQLite.
DATABASE_URL = os.environ.get("REPRISE_TEST_DATABASE_URL")

# With few rows this is much quicker than TRUNCATE … RESTART IDENTITY.
EMPTIED = ";".join(f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables))
RESTARTED = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
    FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL
"""


def pytest_xdist_auto_num_workers() -> int:
    """Run more tests than there are processors: the hub's tests often wait for sockets."""
    return (os.cpu_count() or 1) + (1 if DATABASE_URL is None else 2)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what CI does not try, and on PostgreSQL what asks no database."""
    chosen, others = [], []
    for item in items:
        (chosen if _is_wanted(item) else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def _is_wanted(item: pytest.Item) -> bool:
    if os.environ.get("CI") and item.get_closest_marker("exhaustive"):
        return False
    if DATABASE_URL is None:
        return True
    asks = "empty_database" in getattr(item, "fixturenames", ())
    return asks and item.get_closest_marker("once") is None


@pytest.fixture(autouse=True)
def _quiet_loggers() -> Iterator[None]:
    """Take back what a command that ran in this process did to the library's loggers."""
    yield
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("reprise") and isinstance(logger, logging.Logger) and logger.handlers:
            logger.handlers, logger.propagate = [], True
            logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | Path]:
    """A migrated database without rows, made once: a SQLite file to copy, or a PostgreSQL URL."""
    folder = tmp_path_factory.mktemp("template")
    if DATABASE_URL is None:
        Registry.open(folder).close()
        yield folder / "hub.sqlite"
        return
    schema = f"t_{uuid.uuid4().hex}"
    admin = create_engine(DATABASE_URL, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE SCHEMA {schema}"))
    url = f"{DATABASE_URL}?options=-csearch_path%3D{schema}"
    Registry.open(folder, database_url=url).close()
    yield url
    with admin.connect() as conn:
        conn.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def registry(tmp_path: Path, empty_database: str | Path) -> Iterator[Registry]:
    """A new, empty hub without a server."""
    folder = tmp_path / "hub"
    if isinstance(empty_database, Path):
        folder.mkdir()
        shutil.copyfile(empty_database, folder / "hub.sqlite")
        opened = Registry.open(folder)
    else:
        opened = Registry.open(folder, database_url=empty_database)
    yield opened
    if opened.db.engine.dialect.name == "postgresql":
        with opened.db.write() as conn:
            conn.execute(text(EMPTIED))
            conn.execute(text(RESTARTED))
            conn.execute(text(f"UPDATE alembic_version SET version_num = '{migrate.HEAD}'"))
    opened.close()


@pytest.fixture
def inference_settings() -> Settings:
    """How the live hub deals with requests to run models; tests of that choose their own."""
    return Settings()


_ports_used: set[int] = set()


def bind_elsewhere(config: uvicorn.Config) -> socket.socket:
    """Bind a port that no hub of this process had: hf-xet remembers what an address holds."""
    bound = [config.bind_socket()]
    while bound[-1].getsockname()[1] in _ports_used:
        bound.append(config.bind_socket())
    _ports_used.add(bound[-1].getsockname()[1])
    for other in bound[:-1]:
        other.close()
    return bound[-1]


@pytest.fixture
def hub(registry: Registry, inference_settings: Settings) -> Iterator[Hub]:
    """A live server over the registry, in a thread; the user `ada` exists."""
    make_user(registry, "ada")
    token = make_token(registry, "ada")
    app = create_app(registry, inference_settings=inference_settings)
    config = uvicorn.Config(
        app, http=HubProtocol, loop="uvloop", port=0, log_config=None,
        ws="none", lifespan="off", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    listener = bind_elsewhere(config)
    listener.listen()  # a client may be faster than the server's thread
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    live = Hub(f"http://127.0.0.1:{listener.getsockname()[1]}", registry, token)
    yield live
    for client in live.opened:
        client.close()
    server.should_exit = True
    thread.join(timeout=10)
    finish(app)
    listener.close()


@pytest.fixture
def client_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home of the test's own: snapshots, shared cache, consent and token."""
    from huggingface_hub import constants

    from reprise.hub import settings

    home = tmp_path / "home"
    monkeypatch.setattr(settings, "_chosen", [home / "snapshots"])
    monkeypatch.setenv("REPRISE_TRUST_FILE", str(home / "trust.json"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "shared"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(home / "stored_tokens"))
    return home


def _use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a hub the one in use, as HF_ENDPOINT does when a process starts."""
    from huggingface_hub import constants, hf_api

    files = f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(hf_api.api, "endpoint", url)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)


@pytest.fixture
def scripted(client_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHub]:
    """A hub that can be told to lie; it is the hub in use, with `client_home` as home."""
    from huggingface_hub.utils import close_session

    client_home.mkdir()
    with ScriptedHub() as scripted_hub:
        _use(scripted_hub.url, monkeypatch)
        yield scripted_hub
    close_session()


@pytest.fixture
def online(hub: Hub, client_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The live hub as the hub in use; ada is logged in, with `client_home` as home."""
    from huggingface_hub.utils import close_session

    client_home.mkdir()
    (client_home / "token").write_text(hub.token)
    _use(hub.url, monkeypatch)
    yield hub
    close_session()
