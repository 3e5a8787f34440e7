"""Is the whole hub whole? Every repo, and every byte that the database says the store holds."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from reprise.base.errors import RepriseError
from reprise.formats.xet.hashes import to_text
from reprise.registry import files, log_check, repos
from reprise.registry.db import schema
from reprise.registry.git.check import check_repo
from reprise.registry.registry import Registry
from reprise.registry.storage.store import file_key, xorb_key
from reprise.registry.stored import StoredFile

# Called before each thing is looked at, with its name.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What was looked at, and what is wrong. No problems: the hub is whole."""

    repos: int
    files: int
    xorbs: int
    problems: tuple[str, ...]


def check_hub(registry: Registry, progress: Progress, *, deep: bool = False) -> Report:
    """Look at everything a hub stores.

    Args:
        registry: The hub; it may go on serving meanwhile.
        progress: Called with the name of each repo and file.
        deep: Also read every large file and compare its SHA-256; takes about a second per GB.
    """
    problems: list[str] = []
    with registry.db.read() as conn:
        repo_ids = list(conn.execute(select(schema.repo.c.id)).scalars())
        stored = [StoredFile(*row) for row in conn.execute(_FILES)]
        xorbs = [(row.hash, row.size) for row in conn.execute(_XORBS)]
    for repo_id in repo_ids:
        problems += _check_repo(registry, repo_id, progress)
    for xorb_hash, size in xorbs:
        problems += _check_size(registry, xorb_key(to_text(xorb_hash)), size)
    for file in stored:
        progress(file.sha256.hex())
        problems += _check_file(registry, file, deep=deep)
    problems += log_check.problems(registry)
    return Report(len(repo_ids), len(stored), len(xorbs), tuple(problems))


_FILES = select(
    schema.stored_file.c.sha256,
    schema.stored_file.c.size,
    schema.stored_file.c.whole,
    schema.stored_file.c.xet_hash,
)
_XORBS = select(schema.xorb.c.hash, schema.xorb.c.size)


def _check_repo(registry: Registry, repo_id: int, progress: Progress) -> Iterator[str]:
    with registry.db.read() as conn:
        found = repos.by_number(conn, repo_id)
        if found is None:
            return  # deleted since the list was made
        name = f"{found.type.value} {found.repo_id}"
        progress(name)
        for problem in check_repo(conn, repo_id):
            yield f"{name}: {problem}"


def _check_file(registry: Registry, file: StoredFile, *, deep: bool) -> Iterator[str]:
    if file.whole:
        yield from _check_size(registry, file_key(file.sha256.hex()), file.size)
    if deep:
        yield from _check_digest(registry, file)


def _check_size(registry: Registry, key: str, size: int) -> Iterator[str]:
    found = registry.store.size(key)
    if found is None:
        yield f"{key} is missing from the store"
    elif found != size:
        yield f"{key} has {found} bytes in the store, {size} are recorded"


def _check_digest(registry: Registry, file: StoredFile) -> Iterator[str]:
    digest = hashlib.sha256()
    try:
        for chunk in files.open_range(registry, file, 0, file.size):
            digest.update(chunk)
    except (RepriseError, OSError) as error:
        yield f"file {file.sha256.hex()} cannot be read: {error}"
        return
    if digest.digest() != file.sha256:
        yield f"file {file.sha256.hex()} has other content: SHA-256 {digest.hexdigest()}"
