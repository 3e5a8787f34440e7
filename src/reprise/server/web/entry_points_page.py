"""The entry points of a repo, read from its source without running any of it."""

from inspect import cleandoc

from starlette.responses import Response

from reprise.hub.manifest import FLAGS
from reprise.server import manifests
from reprise.server.calls import Call
from reprise.server.web import links
from reprise.server.web.render import page
from reprise.server.web.repo_frame import frame


def entry_points_page(call: Call) -> Response:
    """`GET /{type}{repo}/entry-points/{rev}`."""
    with call.read() as (conn, caller):
        shown = frame(call, conn, caller)
        manifest = manifests.known(call, conn, shown.repo, shown.at.commit)
        commit = shown.at.commit
        sources = manifests.sources_of(conn, shown.repo, commit) if manifest is None else {}
    if manifest is None:
        manifest = manifests.read(call, shown.repo, commit, sources)
    return page(
        call.request,
        "entry_points.html",
        frame=shown,
        repo=shown.repo,
        repo_type=shown.repo.type,
        tab="entry-points",
        manifest=manifest,
        own=[entry for entry in manifest.entry_points if entry.own],
        incidental=[entry.name for entry in manifest.entry_points if not entry.own],
        flags=[FLAGS.get(flag, flag) for flag in manifest.flags],
        cleandoc=cleandoc,
        source=lambda file, line: f"{links.at(shown.repo, 'blob', shown.revision, file)}#L{line}",
    )
