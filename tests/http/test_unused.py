"""Stored bytes that nothing refers to: kept for a while, then deleted, never while needed."""

import hashlib
from dataclasses import replace

import pytest

from reprise.base.errors import TooManyRequests
from reprise.formats.xet.hashes import to_text
from reprise.registry import lfs, mirror, repos, unused
from reprise.registry.fsck import check_hub
from reprise.registry.registry import Registry
from reprise.registry.storage.store import file_key, xorb_key
from reprise.registry.unused import DAY, Freed
from reprise.registry.xet import uploads
from tests.factories import Hub, make_repo, make_user
from tests.xet_uploads import Cas, make_upload

DATA = b"weights" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()
NOTHING = Freed(0, 0)
GONE = Freed(1, len(DATA))


@pytest.fixture
def repo_id(registry: Registry) -> int:
    make_user(registry, "ben")
    return make_repo(registry, "ben/bert").id


def keep(registry: Registry, repo_id: int) -> None:
    """Upload `DATA` to a repo, as LFS does."""
    with lfs.receive(registry, len(DATA)) as incoming:
        incoming.write(DATA)
        lfs.keep(registry, lfs.LargeFile(repo_id, DIGEST, len(DATA)), incoming)


def delete_repo(registry: Registry, repo_id: int) -> None:
    with registry.db.write() as conn:
        found = repos.by_number(conn, repo_id)
        assert found is not None
        repos.remove(conn, found)


def later(registry: Registry, days: int) -> Registry:
    """The same hub, so many days from now."""
    now = registry.clock()
    return replace(registry, clock=lambda: now + days * DAY)


def holds(registry: Registry) -> bool:
    return registry.store.size(file_key(DIGEST)) is not None


def problems(registry: Registry) -> tuple[str, ...]:
    return check_hub(registry, lambda _: None).problems


def test_a_file_that_no_repo_refers_to_goes_after_the_wait(
    registry: Registry, repo_id: int
) -> None:
    keep(registry, repo_id)
    assert unused.collect_files(registry, grace=0) == NOTHING
    delete_repo(registry, repo_id)
    assert unused.collect_files(registry) == NOTHING
    assert unused.collect_files(later(registry, 13)) == NOTHING
    assert (holds(registry), problems(registry)) == (True, ())
    assert unused.collect_files(later(registry, 14)) == GONE
    assert (holds(registry), problems(registry)) == (False, ())
    assert unused.collect_files(later(registry, 99)) == NOTHING


def test_the_wait_begins_again_when_somebody_referred_to_it_meanwhile(
    registry: Registry, repo_id: int
) -> None:
    other = make_repo(registry, "ben/other").id
    for wanted in (repo_id, other):
        keep(registry, wanted)
    delete_repo(registry, repo_id)
    assert unused.collect_files(later(registry, 20)) == NOTHING
    delete_repo(registry, other)
    assert unused.collect_files(later(registry, 21)) == NOTHING
    assert unused.collect_files(later(registry, 34)) == NOTHING
    assert unused.collect_files(later(registry, 35)) == GONE


def test_what_is_mirrored_stays_until_the_url_is_forgotten(registry: Registry) -> None:
    url = "https://weights.example/net.pt"
    mirror.add(registry, url, [DATA])
    assert unused.collect_files(registry, grace=0) == NOTHING
    with registry.db.write() as conn:
        mirror.remove(conn, url)
    assert unused.collect_files(registry, grace=0) == GONE


def test_bytes_of_an_upload_that_was_never_acknowledged_go_too(registry: Registry) -> None:
    registry.store.put(file_key(DIGEST), DATA)  # killed before it wrote its rows
    assert unused.collect_files(registry) == NOTHING
    assert unused.collect_files(later(registry, 14)) == GONE


class Deleting:
    """A store that is cleaned at the worst moment: after an upload found its bytes there."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def stage(self, digest=None):
        staged, registry = self._store.stage(digest), self._registry
        publish = staged.publish

        def publish_then_lose(key: str) -> bool:
            staged.publish = publish
            came_first = publish(key)
            unused.collect_files(registry, grace=0)
            return came_first

        staged.publish = publish_then_lose
        return staged


def test_an_upload_brings_bytes_again_that_were_deleted_meanwhile(
    registry: Registry, repo_id: int
) -> None:
    other = make_repo(registry, "ben/other").id
    keep(registry, other)
    delete_repo(registry, other)
    keep(replace(registry, store=Deleting(registry)), repo_id)
    assert (holds(registry), problems(registry)) == (True, ())


class Killed(BaseException):
    """The end of a process."""


def test_a_run_that_was_killed_is_finished_by_the_next(registry: Registry, repo_id: int) -> None:
    class Dying(Deleting):
        def delete(self, key: str) -> None:
            raise Killed(key)

    keep(registry, repo_id)
    delete_repo(registry, repo_id)
    with pytest.raises(Killed):
        unused.collect_files(replace(registry, store=Dying(registry)), grace=0)
    assert (holds(registry), problems(registry)) == (True, ())
    assert unused.collect_files(registry, grace=0) == GONE


def test_xorbs_go_a_month_after_the_last_file_built_from_them(hub: Hub) -> None:
    registry, upload = hub.registry, make_upload(DATA)
    repo = make_repo(registry, "ada/bert")
    Cas(hub, "ada/bert").send(upload)
    assert unused.collect_xorbs(registry, grace=0) == NOTHING
    delete_repo(registry, repo.id)
    assert unused.collect_files(registry, grace=0) == NOTHING  # nothing stood there whole
    assert unused.collect_xorbs(registry) == NOTHING
    assert unused.collect_xorbs(later(registry, 29)) == NOTHING
    freed = unused.collect_xorbs(later(registry, 30))
    assert (freed.objects, registry.store.size(xorb_key(to_text(upload.name)))) == (1, None)
    assert problems(registry) == ()
    make_repo(registry, "ada/other")
    again = Cas(hub, "ada/other")
    refused = again.post_shard(upload.shard())
    assert (refused.status_code, "clear its xet cache" in refused.text) == (400, True)
    again.send(upload)
    assert again.reconstruct(upload.file.hash).status_code == 200


def test_a_xorb_that_is_deleted_while_it_comes_again_is_asked_for_again(hub: Hub) -> None:
    registry, upload = hub.registry, make_upload(DATA)
    make_repo(registry, "ada/bert")
    Cas(hub, "ada/bert").send_xorb(upload)
    with uploads.receive(registry, upload.name) as incoming:
        incoming.write(memoryview(upload.xorb))
        incoming.keep()
        unused.collect_xorbs(registry, grace=0)
        with pytest.raises(TooManyRequests, match="send it again"):
            incoming.check_there()
