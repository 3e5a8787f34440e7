"""Publish splits as a data set repo: Parquet files and a card that says what is in them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput, RepoNotFound
from reprise.data.frame import Frame
from reprise.data.saving import write_parquet
from reprise.data.selection import Span
from reprise.data.trees import open_tree, read_card
from reprise.formats import card

if TYPE_CHECKING:
    from reprise.hub.publishing import Published

_ROWS = 1 << 20


def push(
    frames: Mapping[str, Frame],
    repo_id: str,
    *,
    config_name: str = "default",
    max_shard_rows: int = _ROWS,
    **options: Any,
) -> "Published":
    """Write Parquet files and the card, and publish both in one commit.

    The card of a repo that exists keeps its text and everything else it says.

    Raises:
        RepriseError: See `reprise.publish`.
    """
    from reprise.hub.publishing import publish

    if not frames:
        raise InvalidInput("There is no split to publish.")
    access: dict[str, Any] = {n: options[n] for n in ("endpoint", "token") if n in options}
    with tempfile.TemporaryDirectory(prefix="reprise-data-") as folder:
        root = Path(folder)
        sizes = {
            s: _write(root, s, frame, config_name, max_shard_rows) for s, frame in frames.items()
        }
        old = _old_card(repo_id, options.get("branch"), access)
        text = _card(old, frames, sizes, config_name)
        (root / "README.md").write_text(text, encoding="utf-8")
        message = options.pop("message", "") or f"Publish {', '.join(frames)} of {config_name}"
        return publish(root, repo_id, repo_type="dataset", message=message, lock=None, **options)


def _folder_of(config: str) -> str:
    return "data" if config == "default" else config


def _write(root: Path, split: str, frame: Frame, config: str, max_shard_rows: int) -> int:
    starts = list(range(0, frame.size, max_shard_rows)) or [0]
    folder, size = root / _folder_of(config), 0
    folder.mkdir(exist_ok=True)
    for number, start in enumerate(starts):
        part = frame.pick(Span(start, min(max_shard_rows, frame.size - start)))
        path = folder / f"{split}-{number:05d}-of-{len(starts):05d}.parquet"
        size += write_parquet(part, path)
    return size


def _old_card(repo_id: str, branch: str | None, access: Mapping[str, Any]) -> str:
    try:
        return read_card(open_tree(repo_id, branch, **access))
    except RepoNotFound:
        return ""


def _card(old: str, frames: Mapping[str, Frame], sizes: Mapping[str, int], config: str) -> str:
    parsed = card.parse(old)
    data = dict(parsed.data)
    files = [{"split": s, "path": f"{_folder_of(config)}/{s}-*"} for s in frames]
    data["configs"] = _replaced(data.get("configs"), {"config_name": config, "data_files": files})
    first = next(iter(frames.values()))
    info = {
        "config_name": config,
        "features": first.features.to_yaml(),
        "splits": [{"name": s, "num_examples": frame.size} for s, frame in frames.items()],
        "download_size": sum(sizes.values()),
    }
    listed = data.get("dataset_info")
    data["dataset_info"] = _replaced([listed] if isinstance(listed, Mapping) else listed, info)
    return card.render(data, parsed.body or "\n# Data set\n")


def _replaced(listed: Any, item: dict[str, Any]) -> list[Any]:
    """Put an entry in place of the one of the same subset, or at the end."""
    kept = list(listed) if isinstance(listed, list) else []
    for number, old in enumerate(kept):
        if isinstance(old, Mapping) and old.get("config_name", "default") == item["config_name"]:
            merged = dict(item)
            for name in ("data_files", "splits"):
                merged |= {name: _joined(old.get(name), item[name])} if name in item else {}
            kept[number] = merged
            return kept
    return [*kept, item]


def _joined(old: Any, new: list[dict[str, Any]]) -> list[Any]:
    """Keep the splits that are not published now."""
    key = "split" if new and "split" in new[0] else "name"
    names = {item[key] for item in new}
    kept = (
        [item for item in old if isinstance(item, Mapping) and item.get(key) not in names]
        if isinstance(old, list)
        else []
    )
    return [*kept, *new]
