"""Git's wire protocol byte by byte: what versions 0 and 2 promise to every client."""

import gzip
import subprocess
from io import BytesIO
from pathlib import Path

import pytest

from reprise.registry.access import Repo
from reprise.registry.git import refs
from reprise.registry.git.objects import Kind, Signature, Tag, encode_tag
from reprise.registry.git.pktline import Mark, packet, read_packet
from reprise.registry.git.store import GitStore
from tests.factories import Hub
from tests.git_objects import bare_repo, commit
from tests.git_packs import MAIN, command, file_entry, history, pack

V2 = {"git-protocol": "version=2"}


class Tips:
    """The ids in a repo with two commits, a tag and a pull request."""

    def __init__(self, store: GitStore) -> None:
        self.one = commit(store, {"a": "1"}, at=0)
        self.two = commit(store, {"a": "2", "b/c": "3"}, self.one, at=1)
        tag = Tag(self.one, Kind.COMMIT, "v1", Signature("Ada", "a@b", 1), "x")
        self.tag = store.write(Kind.TAG, encode_tag(tag))
        for name, oid in (
            (MAIN, self.two), ("refs/tags/v1", self.tag), ("refs/pr/1", self.one),
            ("refs/reprise/own", self.one),
        ):  # fmt: skip
            refs.move(store.conn, store.repo_id, name, old=None, new=oid)


@pytest.fixture
def repo(hub: Hub) -> Repo:
    return bare_repo(hub.registry)


@pytest.fixture
def tips(hub: Hub, repo: Repo) -> Tips:
    with hub.registry.db.write() as conn:
        return Tips(GitStore(conn, repo.id))


def packets(data: bytes) -> list[bytes | Mark]:
    source, found = BytesIO(data), []
    while (item := read_packet(source)) is not Mark.EOF:
        found.append(item)
    return found


def ask(hub: Hub, *lines: str | bytes, version: int = 2) -> bytes:
    body = b"".join(line if isinstance(line, bytes) else packet(line) for line in lines)
    with hub.client() as client:
        headers = {"git-protocol": f"version={version}"}
        answer = client.post("/ada/model.git/git-upload-pack", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-git-upload-pack-result"
    assert "no-cache" in answer.headers["cache-control"]
    return answer.content


def objects_in(data: bytes, tmp_path: Path) -> int:
    """Let git index a pack, which checks it; returns the number of its objects."""
    subprocess.run(["git", "init", "-q", tmp_path / "x"], check=True)
    done = subprocess.run(
        ["git", "-C", tmp_path / "x", "index-pack", "--stdin", "--fix-thin"],
        input=data, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(b"pack\t")
    return int.from_bytes(data[8:12], "big")


def test_version_2_announces_what_it_can(hub: Hub, tips: Tips) -> None:
    del tips
    with hub.client() as client:
        answer = client.get("/ada/model/info/refs?service=git-upload-pack", headers=V2)
    assert packets(answer.content) == [
        b"version 2\n", b"agent=reprise\n", b"ls-refs=unborn\n",
        b"fetch=shallow wait-for-done filter\n", b"object-format=sha1\n", Mark.FLUSH,
    ]  # fmt: skip


def test_version_0_lists_refs_with_capabilities_on_the_first(hub: Hub, tips: Tips) -> None:
    with hub.client() as client:
        answer = client.get("/ada/model/info/refs?service=git-upload-pack")
    first, *rest = packets(answer.content)[2:]
    assert isinstance(first, bytes)
    line, _, capabilities = first.partition(b"\0")
    assert line == f"{tips.two.hex()} HEAD".encode()
    assert b" symref=HEAD:refs/heads/main " in capabilities
    assert rest == [
        f"{tips.two.hex()} {MAIN}\n".encode(),
        f"{tips.one.hex()} refs/pr/1\n".encode(),
        f"{tips.tag.hex()} refs/tags/v1\n".encode(),
        f"{tips.one.hex()} refs/tags/v1^{{}}\n".encode(),
        Mark.FLUSH,
    ]


def test_a_pusher_is_shown_branches_and_tags_only(hub: Hub, tips: Tips) -> None:
    with hub.client(hub.token) as client:
        answer = client.get("/ada/model/info/refs?service=git-receive-pack", headers=V2)
    lines = [item.split(b"\0")[0] for item in packets(answer.content) if isinstance(item, bytes)]
    assert lines == [
        b"# service=git-receive-pack\n",
        f"{tips.two.hex()} {MAIN}".encode(),
        f"{tips.tag.hex()} refs/tags/v1\n".encode(),
    ]


def test_refs_are_listed_by_prefix(hub: Hub, tips: Tips) -> None:
    answer = ask(
        hub, "command=ls-refs", b"0001", "peel", "symrefs", "ref-prefix HEAD",
        "ref-prefix refs/tags/", b"0000",
    )  # fmt: skip
    assert packets(answer) == [
        f"{tips.two.hex()} HEAD symref-target:{MAIN}\n".encode(),
        f"{tips.tag.hex()} refs/tags/v1 peeled:{tips.one.hex()}\n".encode(),
        Mark.FLUSH,
    ]


def test_an_unborn_branch_is_named(hub: Hub, repo: Repo) -> None:
    del repo
    answer = ask(hub, "command=ls-refs", b"0001", "symrefs", "unborn", b"0000")
    assert packets(answer) == [f"unborn HEAD symref-target:{MAIN}\n".encode(), Mark.FLUSH]


def test_version_2_acknowledges_before_it_sends(hub: Hub, tips: Tips) -> None:
    fetch = ("command=fetch", b"0001", f"want {tips.two.hex()}")
    unknown = f"have {'ab' * 20}"
    assert packets(ask(hub, *fetch, unknown, b"0000")) == [
        b"acknowledgments\n", b"NAK\n", Mark.FLUSH,
    ]  # fmt: skip
    waiting = ask(hub, *fetch, f"have {tips.one.hex()}", "wait-for-done", b"0000")
    assert packets(waiting) == [
        b"acknowledgments\n", f"ACK {tips.one.hex()}\n".encode(), Mark.FLUSH,
    ]  # fmt: skip
    ready = packets(ask(hub, *fetch, unknown, f"have {tips.one.hex()}", b"0000"))
    assert ready[:5] == [
        b"acknowledgments\n", f"ACK {tips.one.hex()}\n".encode(), b"ready\n", Mark.DELIM,
        b"packfile\n",
    ]  # fmt: skip
    assert ready[-2:] == [b"\x02Sent 5 objects.\n", Mark.FLUSH]


def test_without_side_bands_the_pack_comes_bare(hub: Hub, tips: Tips, tmp_path: Path) -> None:
    answer = ask(hub, f"want {tips.two.hex()}\n", b"0000", "done\n", version=0)
    assert answer[:8] == b"0008NAK\n"
    assert objects_in(answer[8:], tmp_path) == 9  # with the tag, as in any full clone


def test_narrow_side_bands_are_respected(hub: Hub, tips: Tips) -> None:
    answer = ask(hub, f"want {tips.two.hex()} side-band\n", b"0000", "done\n", version=0)
    assert all(len(item) <= 996 for item in packets(answer) if isinstance(item, bytes))
    assert answer.endswith(b"\x02Sent 9 objects.\n0000")


@pytest.mark.parametrize(
    ("mode", "middle"),
    [("", "ACK {one}\n"), ("multi_ack", "ACK {one} continue\nNAK\n"),
     ("multi_ack_detailed", "ACK {one} common\nACK {one} ready\nNAK\n")],
)  # fmt: skip
def test_version_0_acknowledges_in_the_client_s_dialect(
    hub: Hub, tips: Tips, mode: str, middle: str
) -> None:
    wants = (f"want {tips.two.hex()} {mode}\n", b"0000", f"have {tips.one.hex()}\n")
    said = b"".join(
        i for i in packets(ask(hub, *wants, b"0000", version=0)) if isinstance(i, bytes)
    )
    assert said.decode() == middle.format(one=tips.one.hex())
    final = ask(hub, *wants, "done\n", version=0)
    head = final[: final.index(b"PACK")]
    last = [item for item in packets(head) if isinstance(item, bytes)][-1]
    assert last == f"ACK {tips.one.hex()}\n".encode()


def test_no_done_saves_a_round(hub: Hub, tips: Tips) -> None:
    capabilities = "multi_ack_detailed no-done side-band-64k no-progress"
    answer = ask(
        hub, f"want {tips.two.hex()} {capabilities}\n", b"0000", f"have {tips.one.hex()}\n",
        b"0000", version=0,
    )  # fmt: skip
    lines = packets(answer)
    assert lines[3] == f"ACK {tips.one.hex()}\n".encode()
    assert isinstance(lines[4], bytes)
    assert lines[4][:5] == b"\x01PACK"


def test_a_gzipped_request_is_read(hub: Hub, tips: Tips) -> None:
    del tips
    body = gzip.compress(packet("command=ls-refs") + b"0001" + b"0000")
    with hub.client() as client:
        headers = V2 | {"content-encoding": "gzip"}
        answer = client.post("/ada/model/git-upload-pack", content=body, headers=headers)
    assert len(packets(answer.content)) == 5


def test_a_fetch_that_wants_nothing_gets_nothing(hub: Hub, tips: Tips) -> None:
    del tips
    assert ask(hub, b"0000", version=0) == b""
    assert ask(hub, "command=fetch", b"0001", "done", b"0000") == b"0000"


def test_a_probe_before_a_push_is_answered(hub: Hub, tips: Tips) -> None:
    del tips
    with hub.client(hub.token) as client:
        answer = client.post("/ada/model/git-receive-pack", content=b"0000")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_report_comes_in_side_bands(hub: Hub, repo: Repo) -> None:
    del repo
    tip, entries = history(file_entry(b"a", b"x"), b"x")
    lines = [command(tip) + "\0report-status side-band-64k", command(tip, "refs/pr/9")]
    body = b"".join(map(packet, lines)) + b"0000" + pack(*entries)
    with hub.client(hub.token) as client:
        answer = client.post("/ada/model/git-receive-pack", content=body)
    note, status, end = packets(answer.content)
    assert isinstance(note, bytes)
    assert isinstance(status, bytes)
    assert note.startswith(b"\x02Pull requests are written by the hub")
    assert packets(status[1:])[:2] == [b"unpack ok\n", f"ok {MAIN}\n".encode()]
    assert end is Mark.FLUSH
