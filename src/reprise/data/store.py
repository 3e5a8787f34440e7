"""Results of steps, filed by what they were made from: one folder, bounded, safe to delete.

    <root>/steps/<2 hex>/<key>.arrow    the new columns or the row numbers of one step
    <root>/steps/<2 hex>/<key>.json     what made it; its time of change is when it was last used

A file appears when it is complete. Results are recipes' products: whatever is removed is made
again when it is asked for.
"""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.clock import Clock, iso, system_clock
from reprise.data.mapped import Opened, open_mapped

DEFAULT_LIMIT = 50 * 10**9  # bytes
_DAY = 24 * 3600 * 1_000_000  # microseconds
_STALE = 6 * 3600 * 1_000_000  # a file that is still being written is younger


@dataclass(frozen=True)
class Recipe:
    """What made a result.

    Attributes:
        op: map, filter, load, …
        name: What people call it: the function's name, the file's.
        input: Identity of the rows it was made from.
        parts: Everything else the result depends on, each as a digest.
    """

    op: str
    name: str
    input: str
    parts: dict[str, str] = field(default_factory=dict)
    label: str = ""  # of the data set, for `du`

    @property
    def key(self) -> str:
        """Digest of everything that decides the result."""
        from reprise.base.digests import canonical_json, sha256_hex

        return sha256_hex(canonical_json([self.op, self.input, self.parts]))


@dataclass(frozen=True)
class Entry:
    """One result in the store."""

    key: str
    recipe: Recipe
    path: Path
    bytes: int
    rows: int
    made: str  # ISO 8601, UTC
    used_at: int  # microseconds since 1970, UTC

    @property
    def used(self) -> str:
        """When it was last used, ISO 8601."""
        return iso(self.used_at)


@dataclass(frozen=True)
class Store:
    """A folder of results.

    Attributes:
        root: The folder.
        limit: The most that all results may take, bytes; the least recently used go first.
        clock: Tells the time.
    """

    root: Path
    limit: int = DEFAULT_LIMIT
    clock: Clock = system_clock

    def find(self, key: str) -> Opened | None:
        """Return a result, mapped into memory; None when it is not there or is damaged."""
        path = self.path(key)
        try:
            opened = open_mapped(path)
            os.utime(path.with_suffix(".json"))
        except (OSError, pa.ArrowException):
            return None
        return opened

    def path(self, key: str) -> Path:
        """Return where a result lies, or would."""
        return self.root / "steps" / key[:2] / f"{key}.arrow"

    def staging(self) -> Path:
        """Return a fresh path for a file that is being written."""
        folder = self.root / "steps" / "staging"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{uuid.uuid4().hex}.arrow"

    def keep(self, recipe: Recipe, staged: Path) -> Opened:
        """File a result that was written to a staging path, make room, and map it."""
        path = self.path(recipe.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = open_mapped(staged)
        value = {**asdict(recipe), "rows": opened.table.num_rows, "made": iso(self.clock())}
        described = staged.with_suffix(
            ".json"
        )  # not flushed to the disk: what is lost is made again
        described.write_bytes(json.dumps(value, indent=1).encode())
        described.replace(path.with_suffix(".json"))
        staged.replace(path)
        self.make_room()
        return opened

    def entries(self) -> list[Entry]:
        """List the results, the most recently used first."""
        found = [entry for path in self.root.glob("steps/*/*.json") if (entry := _entry(path))]
        return sorted(found, key=lambda entry: -entry.used_at)

    def make_room(self, limit: int | None = None) -> list[Entry]:
        """Remove what was used least recently until the rest fits, and unfinished files."""
        removed = self.over(self.limit if limit is None else limit)
        for entry in removed:
            self.remove(entry)
        for staged in self.root.glob("steps/staging/*"):
            if staged.stat().st_mtime_ns // 1000 < self.clock() - _STALE:
                staged.unlink(missing_ok=True)
        return removed

    def over(self, limit: int) -> list[Entry]:
        """List what was used least recently of what does not fit into a limit."""
        listed = self.entries()
        sizes = accumulate(entry.bytes for entry in listed)
        return [entry for entry, size in zip(listed, sizes, strict=True) if size > limit]

    def unused(self, days: float) -> Iterator[Entry]:
        """Yield the results that were not used for so many days."""
        before = self.clock() - int(days * _DAY)
        return (entry for entry in self.entries() if entry.used_at <= before)

    def remove(self, entry: Entry) -> None:
        """Remove a result; data sets that have it open keep it until they are gone."""
        entry.path.unlink(missing_ok=True)
        entry.path.with_suffix(".json").unlink(missing_ok=True)

    def why(self, recipe: Recipe) -> str:
        """Say why a step has no result yet: what differs from the last step of its name."""
        alike = [
            e.recipe
            for e in self.entries()
            if (e.recipe.op, e.recipe.name) == (recipe.op, recipe.name)
        ]
        if not alike:
            return "made for the first time"
        nearest = min(alike, key=lambda old: len(_differences(old, recipe)))
        changed = _differences(nearest, recipe)
        return f"made again: {', '.join(changed)}" if changed else "made again: it had been removed"


def _differences(old: Recipe, new: Recipe) -> list[str]:
    found = ["the rows it starts from changed"] if old.input != new.input else []
    for name in sorted({*old.parts, *new.parts}):
        if old.parts.get(name) != new.parts.get(name):
            verb = (
                "is new"
                if name not in old.parts
                else "is gone"
                if name not in new.parts
                else "changed"
            )
            found.append(f"{name} {verb}")
    return found


def _entry(path: Path) -> Entry | None:
    data = path.with_suffix(".arrow")
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
        rows, made = int(value.pop("rows")), str(value.pop("made"))
        status, used = data.stat(), path.stat().st_mtime_ns // 1000
        return Entry(path.stem, Recipe(**value), data, status.st_size, rows, made, used)
    except (OSError, ValueError, KeyError, TypeError):
        return None
