"""One file of a repo: text with colours, pictures, tensors; everything else as a download."""

from dataclasses import dataclass, field

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.formats import card as cards
from reprise.formats import safetensors_header
from reprise.formats.safetensors_header import TensorInfo
from reprise.registry import files, served
from reprise.registry.registry import Registry
from reprise.registry.served import File
from reprise.server.calls import Call
from reprise.server.web import links
from reprise.server.web.card_page import render_markdown
from reprise.server.web.files_page import crumbs
from reprise.server.web.highlight import highlight, language_of
from reprise.server.web.render import page, web_of
from reprise.server.web.repo_frame import Frame, frame

_MAX_TEXT = 1 << 20  # bytes of a text that is shown
_MAX_LINES = 10_000
_MAX_TENSORS = 2000
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg")
# Files whose loading can run code, whatever they are called.
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".h5")


@dataclass(frozen=True)
class View:
    """What the page shows of a file; at most one of these is set."""

    lines: list[str] = field(default_factory=list)  # safe HTML, one line of code each
    html: str = ""  # rendered Markdown
    picture: str = ""  # its address
    tensors: list[tuple[str, TensorInfo]] = field(default_factory=list)
    more_tensors: int = 0
    reason: str = ""  # why there is nothing to see


def blob_page(call: Call) -> Response:
    """`GET /{type}{repo}/blob/{rev}/{path}`; `?plain=1` shows Markdown as text."""
    path = call.param("path")
    with call.read() as (conn, caller):
        shown = frame(call, conn, caller)
        _, file = served.find(conn, shown.repo, shown.at.hex, path)
        if file is None:
            raise EntryNotFound(f"{shown.repo.repo_id} has no file {path!r} at {shown.revision}.")
        text = _text(conn, shown, file)
    view = _view(call, shown, file, text)
    return page(
        call.request,
        "blob.html",
        frame=shown,
        repo=shown.repo,
        repo_type=shown.repo.type,
        tab="files",
        file=file,
        view=view,
        crumbs=crumbs(shown, path),
        download=links.at(shown.repo, "resolve", shown.revision, path),
        is_markdown=path.endswith(".md"),
        is_plain=call.flag("plain"),
        may_run=path.lower().endswith(_PICKLES),
    )


def _text(conn: Connection, shown: Frame, file: File) -> str | None:
    """Read a small text; None when it is large or no text."""
    if file.pointer is not None or file.size > _MAX_TEXT:
        return None
    body = served.read_blob(conn, shown.repo, file)
    try:
        return None if b"\0" in body else body.decode()
    except UnicodeDecodeError:
        return None


def _view(call: Call, shown: Frame, file: File, text: str | None) -> View:
    if file.path.lower().endswith(_PICTURES):
        return View(picture=links.at(shown.repo, "resolve", shown.revision, file.path))
    if file.path.endswith(".safetensors") and file.stored is not None:
        return _tensors(call.registry, file)
    if text is None:
        small = file.real_size <= _MAX_TEXT
        return View(reason="This is no text." if small else "The file is too large to be shown.")
    if file.path.endswith(".md") and not call.flag("plain"):
        folder = file.path.rpartition("/")[0]
        return View(html=render_markdown(call, shown, file.oid, _body(text), folder))
    return _lines(call, file, text)


def _lines(call: Call, file: File, text: str) -> View:
    if text.count("\n") > _MAX_LINES:
        return View(reason=f"The file has more than {_MAX_LINES} lines.")
    kept, language = web_of(call.request).html, language_of(file.path)
    key = ("code", file.oid, language)
    html = kept.get(key) or kept.put(key, highlight(text, language))
    return View(lines=html.removesuffix("\n").split("\n"))


def _tensors(registry: Registry, file: File) -> View:
    assert file.stored is not None
    prefix = safetensors_header.LENGTH_SIZE
    try:
        first = b"".join(files.open_range(registry, file.stored, 0, min(prefix, file.stored.size)))
        length = safetensors_header.header_length(first)
        length = min(length, file.stored.size - prefix)
        header = b"".join(files.open_range(registry, file.stored, prefix, length))
        found = list(safetensors_header.parse_header(header).items())
    except InvalidFormat as error:
        return View(reason=error.message)
    return View(tensors=found[:_MAX_TENSORS], more_tensors=max(len(found) - _MAX_TENSORS, 0))


def _body(text: str) -> str:
    try:
        return cards.parse(text).body
    except InvalidFormat:
        return text
