"""Hostile commits, paths and headers: each is refused clearly, and leaves nothing behind."""

import json
import socket

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.committing import body, commit, line, put, put_large
from tests.factories import Hub, make_repo, make_token, make_user

COMMIT = "/api/models/ada/bert/commit/main"


@pytest.fixture
def client(hub: Hub) -> httpx2.Client:
    """Ada, with a repo of hers."""
    make_repo(hub.registry, "ada/bert")
    return hub.client(hub.token)


def tip(client: httpx2.Client) -> str:
    return client.get("/api/models/ada/bert/refs").json()["branches"][0]["targetCommit"]


BAD_PATHS = [
    "../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "a/", "", ".", "..",
    ".git/config", "a/.git/hooks/post-checkout", ".GIT/config", ".Git/x", "git~1/config",
    ".git /config", ".git./config", ".git::$INDEX_ALLOCATION/x", ".g\u200cit/config", "a\\..\\b",
    "C:\\x", "a\x00b", "a\nb", "a\x7fb", "x" * 1025, "é" * 600, "/".join("d" * 101),
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_paths_that_could_turn_against_a_clone_are_refused(
    client: httpx2.Client, path: str
) -> None:
    before = tip(client)
    lines = (
        put(path, b"x"),
        line("file", path="ok", oldPath=path),
        line("lfsFile", path=path, algo="sha256", oid="a" * 64),
        line("deletedFile", path=path),
    )
    for it in lines:
        assert client.post(COMMIT, content=body(it)).status_code in {400, 404}, it
    planned = {"files": [{"path": path, "size": 1, "sample": ""}]}
    answer = client.post("/api/models/ada/bert/preupload/main", json=planned)
    assert answer.status_code == 400 or path.count("/") > 99
    assert tip(client) == before


@pytest.mark.parametrize(
    "request_body",
    [
        b"",
        b"\n\n\n",
        b"not json\n",
        b"\xff\xfe\n",
        b"null\n",
        b"[" * 200_000,
        b'{"key":"header"}\n',
        b'{"key":"header","value":null}\n',
        b'{"key":"file","value":{"path":"a","content":"x"}}\n',
        body(line("file", path="a")),
        body(line("file", path="a", content={"x": 1})),
        body(line("file", path=["a"], content="x")),
        body(line("dance", path="a")),
        body(line("header", summary="again")),
        body(line("file", path="a", content="####", encoding="base64")),
        body(put("a", b"x")) + b'{"key":"file","value":{"path":"b","cont',
        body(line("lfsFile", path="a", algo="sha256", oid="../../../../etc/passwd")),
        body(line("lfsFile", path=".gitattributes", algo="sha256", oid="a" * 64)),
        body(put("a", b"1"), put("a/b", b"2")),
        body(put(".gitattributes/x", b"1")),
        b'{"key":"header","value":{"summary":"\\ud800"}}\n' + put("a", b"x"),
        b'{"key":"header","value":{"summary":"a\\u0000b"}}\n' + put("a", b"x"),
    ],
)
def test_broken_requests_change_nothing(client: httpx2.Client, request_body: bytes) -> None:
    before = tip(client)
    answer = client.post(COMMIT, content=request_body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]
    assert tip(client) == before


def test_a_refused_commit_leaves_no_objects(hub: Hub, client: httpx2.Client) -> None:
    def objects() -> int:
        with hub.registry.db.read() as conn:
            return conn.exec_driver_sql("SELECT count(*) FROM git_object").scalar_one()

    before = objects()
    good, bad = put("a", b"new content"), line("deletedFile", path="nope")
    assert client.post(COMMIT, content=body(good, bad)).status_code == 404
    assert client.post(COMMIT, content=body(good) + b"{").status_code == 400
    assert objects() == before


def test_endless_lines_and_operations_are_cut_off(client: httpx2.Client) -> None:
    endless = (b"x" * (1 << 20) for _ in range(30))
    assert client.post(COMMIT, content=endless).status_code == 413
    many = line("deletedFile", path="a") * 100_001
    assert client.post(COMMIT, content=body(many)).status_code == 413


@pytest.mark.usefixtures("client")
def test_strangers_are_refused_before_they_send_their_files(hub: Hub) -> None:
    host, port = hub.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST {COMMIT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000000\r\n\r\n".encode()
        )
        connection.settimeout(10)
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


def test_a_client_that_leaves_midway_changes_nothing(hub: Hub, client: httpx2.Client) -> None:
    before = tip(client)
    host, port = hub.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST {COMMIT} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {hub.token}\r\n"
            "Content-Length: 1000000\r\n\r\n".encode()
            + body(put("a", b"x"))
        )
    assert tip(client) == before


def test_pointers_to_other_repos_cannot_be_smuggled_in_as_text(
    hub: Hub, client: httpx2.Client
) -> None:
    secret = b"weights of a private repo" * 100
    make_user(hub.registry, "bob")
    make_repo(hub.registry, "bob/secret", private=True)
    commit(hub.registry, "bob/secret", {}, {"w.bin": secret})
    oid = json.loads(put_large("x", secret))["value"]["oid"]
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(secret)}\n"
    for path in ("stolen.bin", "stolen.txt"):
        answer = client.post(COMMIT, content=body(put(path, pointer.encode())))
        assert answer.status_code == 400
        assert client.get(f"/ada/bert/resolve/main/{path}").status_code == 404


def test_nobody_writes_to_pull_requests_of_others(hub: Hub, client: httpx2.Client) -> None:
    for name in ("bob", "eve"):
        make_user(hub.registry, name)
    bob, eve = (hub.client(make_token(hub.registry, name)) for name in ("bob", "eve"))
    assert bob.post(f"{COMMIT}?create_pr=1", content=body(put("a", b"a"))).status_code == 200
    url = "/api/models/ada/bert/commit/refs%2Fpr%2F1"
    codes = [it.post(url, content=body(put("b", b"b"))).status_code for it in (eve, bob, client)]
    assert codes == [403, 200, 200]
    assert eve.post("/api/models/ada/bert/discussions/1/merge", json={}).status_code == 403
    assert bob.post("/api/models/ada/bert/discussions/1/merge", json={}).status_code == 403


@pytest.mark.parametrize(
    "revision",
    ["refs%2Fpr%2F99", "refs%2Fpr%2F..", "refs%2Fpr%2F1%2F2", "refs%2Fheads%2Fmain",
     "refs%2Ftags%2Fv1", "HEAD", "%2e%2e%2Fmain", "a" * 300, "main%00", "main%0a", "%ff"],
)  # fmt: skip
def test_only_branches_can_be_committed_to(client: httpx2.Client, revision: str) -> None:
    before = tip(client)
    url = f"/api/models/ada/bert/commit/{revision}"
    assert client.post(url, content=body(put("a", b"x"))).status_code in {400, 404}
    assert tip(client) == before


@pytest.mark.parametrize(
    "name",
    ["refs/heads/x", "refs/pr/7", "a..b", "a b", "a~b", "-x", "x.lock", "a" * 300, "HEAD", "x/",
     "/x", "@{u}", "a\x07", "f" * 40],
)  # fmt: skip
def test_odd_branch_and_tag_names_are_refused(client: httpx2.Client, name: str) -> None:
    from urllib.parse import quote

    url = f"/api/models/ada/bert/branch/{quote(name, safe='')}"
    assert client.post(url, json={}).status_code == 400
    if not name.startswith("refs/"):
        tag = client.post("/api/models/ada/bert/tag/main", json={"tag": name})
        assert tag.status_code == 400


TRAVERSALS = [
    "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%252f..%252fetc", "a%00b", "a%0ab",
    "%2fetc%2fpasswd", "..%5c..%5cx", ".git%2fconfig", "%ff%fe", "a%5cb", "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_encoded_paths_lead_nowhere(client: httpx2.Client, path: str) -> None:
    for url in (
        f"/ada/bert/resolve/main/{path}",
        f"/ada/bert/raw/main/{path}",
        f"/api/models/ada/bert/tree/main/{path}",
        f"/api/models/ada/bert/tree/{path}",
    ):
        assert client.get(url).status_code in {400, 404}, url
    answer = client.post("/api/models/ada/bert/paths-info/main", data={"paths": path})
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    "header",
    ["bytes=" + "9" * 4000 + "-", "bytes=0-" + ",0-" * 5000, "bytes=-" + "9" * 19, "bytes=-0",
     "bytes=18446744073709551616-", "bytes=0-9223372036854775808", "bytes=\u00b2-"],
)  # fmt: skip
def test_absurd_ranges_are_harmless(client: httpx2.Client, header: str) -> None:
    answer = client.get(
        "/ada/bert/resolve/main/.gitattributes", headers={"Range": header.encode("latin-1")}
    )
    assert answer.status_code in {200, 206, 416}


@pytest.mark.parametrize(
    "query",
    ["cursor=%00", "cursor=../../x", "limit=0", "limit=-1", "limit=" + "9" * 50, "limit=x",
     "cursor=" + "x" * 5000, "recursive=maybe&expand=perhaps", "cursor=%ff"],
)  # fmt: skip
def test_odd_listing_parameters_never_crash(client: httpx2.Client, query: str) -> None:
    for revision in ("main", tip(client)):
        answer = client.get(f"/api/models/ada/bert/tree/{revision}?{query}")
        assert answer.status_code in {200, 400}
    assert client.get(f"/api/models/ada/bert/commits/main?{query}").status_code < 500


@pytest.mark.parametrize("text", ["\\ud800 half", "a\\u0000b"])
def test_characters_no_database_holds_are_refused(client: httpx2.Client, text: str) -> None:
    for url, field in (
        ("/api/models/ada/bert/discussions", "title"),
        ("/api/models/ada/bert/tag/main", "message"),
        ("/api/models/ada/bert/super-squash/main", "message"),
    ):
        request = f'{{"title": "three", "tag": "v1", "{field}": "{text}"}}'
        assert client.post(url, content=request.encode()).status_code == 400, url
    assert client.get("/api/models/ada/bert/discussions?author=%00").status_code == 400


def test_too_many_paths_are_refused(client: httpx2.Client) -> None:
    answer = client.post("/api/models/ada/bert/paths-info/main", data={"paths": ["x"] * 1001})
    assert (answer.status_code, "too many parameters" in answer.text) == (413, True)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(request_body=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_noise_is_never_a_server_error(client: httpx2.Client, request_body: bytes) -> None:
    for url in (
        COMMIT,
        "/api/models/ada/bert/preupload/main",
        "/api/models/ada/bert/paths-info/main",
        "/api/models/ada/bert/tag/main",
        "/api/models/ada/bert/super-squash/main",
        "/api/models/ada/bert/discussions",
        "/ada/bert.git/info/lfs/objects/batch",
    ):
        assert client.post(url, content=request_body).status_code < 500, url


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    "files path size sample gitIgnore gitAttributes tag message startingPoint "
                    "title description pullRequest status comment objects operation oid "
                    "transfers".split()
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_json_of_any_shape_is_never_a_server_error(client: httpx2.Client, value: object) -> None:
    for url in (
        "/api/models/ada/bert/preupload/main",
        "/api/models/ada/bert/paths-info/main",
        "/api/models/ada/bert/branch/x",
        "/api/models/ada/bert/tag/main",
        "/api/models/ada/bert/super-squash/main",
        "/api/models/ada/bert/discussions",
        "/api/models/ada/bert/discussions/1/status",
        "/ada/bert.git/info/lfs/objects/batch",
    ):
        assert client.post(url, json=value).status_code < 500, url
