"""Folders of a repo: what is in them, and the commit that last touched each entry."""

from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.errors import EntryNotFound
from reprise.registry import contents, served
from reprise.registry.contents import Item, Page
from reprise.registry.git.objects import Commit
from reprise.registry.git.store import GitStore
from reprise.server.calls import Call
from reprise.server.web import links
from reprise.server.web.card_page import render_markdown
from reprise.server.web.render import page
from reprise.server.web.repo_frame import Frame, frame

_PAGE = 200  # entries
_README = "README.md"
_MAX_README = 200_000  # bytes of a folder's README that is shown below it


@dataclass(frozen=True)
class Entry:
    """One line of a folder."""

    name: str
    href: str
    is_folder: bool
    is_large: bool
    size: int
    download: str
    title: str = ""  # of the commit
    commit: str = ""
    micros: int = 0


@dataclass(frozen=True)
class Crumb:
    """One part of a path above what is shown."""

    name: str
    href: str


def files_page(call: Call) -> Response:
    """`GET /{type}{repo}/tree/{rev}[/{path}]`."""
    folder, after = call.param("path").strip("/"), call.query("after") or None
    with call.read() as (conn, caller):
        shown = frame(call, conn, caller)
        wanted = Page(folder, limit=_PAGE + 1, after=after)
        cache = call.request.app.state.listings
        items = contents.list_page(conn, shown.repo, shown.at, wanted, cache)
        more = len(items) > _PAGE
        entries = _entries(conn, shown, items[:_PAGE])
        readme = _readme(call, conn, shown, folder) if folder else ""
    here = links.at(shown.repo, "tree", shown.revision, folder)
    return page(
        call.request,
        "files.html",
        frame=shown,
        repo=shown.repo,
        repo_type=shown.repo.type,
        tab="files",
        folder=folder,
        crumbs=crumbs(shown, folder),
        entries=sorted(entries, key=lambda entry: not entry.is_folder),
        readme=readme,
        next_page=f"{here}?after={items[_PAGE - 1].listed.path}" if more else "",
    )


def crumbs(shown: Frame, path: str) -> list[Crumb]:
    """List the folders on the way to a path, the repo itself first."""
    parts = path.split("/") if path else []
    found = [Crumb(shown.repo.repo_id.name, links.at(shown.repo, "tree", shown.revision))]
    for depth, part in enumerate(parts, 1):
        inside = "/".join(parts[:depth])
        found.append(Crumb(part, links.at(shown.repo, "tree", shown.revision, inside)))
    return found


def _entries(conn: Connection, shown: Frame, items: list[Item]) -> list[Entry]:
    """Add commits where they cost nothing: at the tip, which is indexed."""
    if not shown.at.is_tip:
        return [_entry(shown, item, None) for item in items]
    store, commits = GitStore(conn, shown.repo.id), dict[bytes, Commit]()
    for item in items:
        oid = item.listed.commit_oid
        if oid not in commits:
            commits[oid] = store.read_commit(oid)
    return [_entry(shown, item, commits[item.listed.commit_oid]) for item in items]


def _entry(shown: Frame, item: Item, commit: Commit | None) -> Entry:
    listed = item.listed
    view = "tree" if listed.is_folder else "blob"
    size = listed.pointer.size if listed.pointer else listed.size
    return Entry(
        name=listed.path.rpartition("/")[2],
        href=links.at(shown.repo, view, shown.revision, listed.path),
        is_folder=listed.is_folder,
        is_large=listed.pointer is not None,
        size=size,
        download=links.at(shown.repo, "resolve", shown.revision, listed.path),
        title=commit.title if commit else "",
        commit=listed.commit_oid.hex(),
        micros=commit.committer.micros if commit else 0,
    )


def _readme(call: Call, conn: Connection, shown: Frame, folder: str) -> str:
    try:
        _, file = served.find(conn, shown.repo, shown.at.hex, f"{folder}/{_README}")
    except EntryNotFound:
        return ""
    if file is None or file.pointer is not None or file.size > _MAX_README:
        return ""
    text = served.read_blob(conn, shown.repo, file).decode("utf-8", "replace")
    return render_markdown(call, shown, file.oid, text, folder)
