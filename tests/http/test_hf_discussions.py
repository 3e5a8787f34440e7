"""Pull requests and discussions, by the unmodified client."""

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.errors import BadRequestError, HfHubHTTPError

from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user


@pytest.fixture
def bob(hub: Hub) -> str:
    """Ada's repo, and the token of somebody who may only read it."""
    make_repo(hub.registry, "ada/bert")
    commit(hub.registry, "ada/bert", {"a.txt": b"one\ntwo\n", "b.txt": b"b"})
    make_user(hub.registry, "bob")
    return make_token(hub.registry, "bob")


def propose(hub: Hub, token: str, **files: bytes) -> int:
    operations = [CommitOperationAdd(f"{name}.txt", content) for name, content in files.items()]
    info = hub.api(token).create_commit(
        "ada/bert", operations, commit_message="Better text", create_pr=True
    )
    return info.pr_num


def test_a_reader_proposes_and_the_owner_merges(hub: Hub, bob: str) -> None:
    info = hub.api(bob).create_commit(
        "ada/bert",
        [CommitOperationAdd("a.txt", b"one\n2\n"), CommitOperationDelete("b.txt")],
        commit_message="Better text",
        commit_description="Because.",
        create_pr=True,
    )
    assert (info.pr_num, info.pr_revision) == (1, "refs/pr/1")
    assert info.pr_url == f"{hub.url}/ada/bert/discussions/1"
    hub.api(bob).upload_file(
        path_or_fileobj=b"c", path_in_repo="c.txt", repo_id="ada/bert", revision="refs/pr/1"
    )
    commit(hub.registry, "ada/bert", {"d.txt": b"meanwhile"})
    hub.api().merge_pull_request("ada/bert", 1, comment="Thanks!")
    assert set(hub.api().list_repo_files("ada/bert")) == {
        ".gitattributes", "a.txt", "c.txt", "d.txt",
    }  # fmt: skip
    commits = hub.api().list_repo_commits("ada/bert")
    assert commits[0].title == "Better text (#1)"
    details = hub.api().get_discussion_details("ada/bert", 1)
    assert (details.status, details.merge_commit_oid) == ("merged", commits[0].commit_id)
    assert (details.target_branch, details.author) == ("refs/heads/main", "bob")
    assert [event.type for event in details.events] == [
        "comment", "commit", "commit", "status-change", "comment",
    ]  # fmt: skip
    assert [details.events[0].content, details.events[-1].content] == ["Because.", "Thanks!"]


def test_details_show_the_difference(hub: Hub, bob: str) -> None:
    number = propose(hub, bob, a=b"one\n2\n", new=b"x")
    details = hub.api().get_discussion_details("ada/bert", number)
    assert details.conflicting_files == []
    assert details.diff is not None
    assert "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n" in details.diff
    assert "new file mode 100644\n" in details.diff
    assert "b.txt" not in details.diff
    assert [event.summary for event in details.events if event.type == "commit"] == ["Better text"]


def test_conflicts_are_named_and_stop_the_merge(hub: Hub, bob: str) -> None:
    number = propose(hub, bob, a=b"one\nbob\n")
    before = commit(hub.registry, "ada/bert", {"a.txt": b"one\nada\n"})
    assert hub.api().get_discussion_details("ada/bert", number).conflicting_files == ["a.txt"]
    with pytest.raises(BadRequestError, match=r"conflicts with refs/heads/main in: a\.txt"):
        hub.api().merge_pull_request("ada/bert", number)
    assert hub.api().list_repo_commits("ada/bert")[0].commit_id == before


def test_the_same_change_on_both_sides_is_no_conflict(hub: Hub, bob: str) -> None:
    number = propose(hub, bob, a=b"same\n", c=b"new")
    commit(hub.registry, "ada/bert", {"a.txt": b"same\n"})
    hub.api().merge_pull_request("ada/bert", number)
    assert "c.txt" in hub.api().list_repo_files("ada/bert")


def test_a_draft_takes_commits_later(hub: Hub, bob: str) -> None:
    pull = hub.api(bob).create_pull_request("ada/bert", "My idea", description="Soon")
    assert (pull.status, pull.num, pull.git_reference) == ("draft", 1, "refs/pr/1")
    with pytest.raises(BadRequestError, match="nothing to merge"):
        hub.api().merge_pull_request("ada/bert", 1)
    hub.api(bob).upload_file(
        path_or_fileobj=b"c", path_in_repo="c.txt", repo_id="ada/bert", revision="refs/pr/1"
    )
    hub.api().merge_pull_request("ada/bert", 1)
    with pytest.raises(BadRequestError, match="no open pull request"):
        hub.api().merge_pull_request("ada/bert", 1)
    with pytest.raises(HfHubHTTPError, match="is merged"):
        hub.api(bob).upload_file(
            path_or_fileobj=b"d", path_in_repo="d.txt", repo_id="ada/bert", revision="refs/pr/1"
        )


@pytest.mark.filterwarnings("ignore:Hidden comments:UserWarning")
def test_a_discussion_lives(hub: Hub, bob: str) -> None:
    api = hub.api(bob)
    opened = api.create_discussion("ada/bert", "It <b>fails</b>", description="Why?")
    assert (opened.num, opened.is_pull_request, opened.status) == (1, False, "open")
    reply = hub.api().comment_discussion("ada/bert", 1, "Which <script>version?")
    assert (reply.author, reply.content) == ("ada", "Which <script>version?")
    assert reply.rendered == "<p>Which &lt;script&gt;version?</p>"
    edited = hub.api().edit_discussion_comment("ada/bert", 1, reply.id, "Which one?")
    assert (edited.content, edited.edited, edited.number_of_edits) == ("Which one?", True, 1)
    assert api.rename_discussion("ada/bert", 1, "It works").new_title == "It works"
    closed = api.change_discussion_status("ada/bert", 1, "closed", comment="Solved")
    assert closed.new_status == "closed"
    hidden = hub.api().hide_discussion_comment("ada/bert", 1, reply.id)
    assert (hidden.hidden, hidden.content) == (True, "")
    details = api.get_discussion_details("ada/bert", 1)
    assert (details.title, details.status) == ("It works", "closed")
    assert [event.type for event in details.events] == [
        "comment", "comment", "title-change", "status-change", "comment",
    ]  # fmt: skip


def test_lists_filter_by_kind_status_and_author(hub: Hub, bob: str) -> None:
    propose(hub, bob, a=b"x")
    for number in range(60):
        hub.api().create_discussion("ada/bert", f"Question {number}")
    hub.api().change_discussion_status("ada/bert", 5, "closed")

    def numbers(**options: str) -> list[int]:
        return [it.num for it in hub.api().get_repo_discussions("ada/bert", **options)]

    assert numbers() == list(range(61, 0, -1))
    assert numbers(discussion_type="pull_request") == [1]
    assert numbers(discussion_status="closed") == [5]
    assert numbers(author="bob", discussion_status="open") == [1]
    assert len(numbers(discussion_type="discussion", discussion_status="open")) == 59


def test_strangers_change_nothing_of_others(hub: Hub, bob: str) -> None:
    hub.api().create_discussion("ada/bert", "Mine")
    reply = hub.api().comment_discussion("ada/bert", 1, "My words")
    base = "/api/models/ada/bert/discussions/1"
    calls = [
        (f"{base}/title", {"title": "Yours"}),
        (f"{base}/status", {"status": "closed"}),
        (f"{base}/comment/{reply.id}/edit", {"content": "Other words"}),
        (f"{base}/comment/{reply.id}/hide", {}),
    ]
    reader = make_token(hub.registry, "bob", "read")
    for token, status in ((bob, 403), (reader, 403), (None, 401)):
        client = hub.client(token)
        assert {client.post(url, json=it).status_code for url, it in calls} == {status}
    assert hub.client(reader).post(f"{base}/comment", json={"comment": "x"}).status_code == 403
    details = hub.api().get_discussion_details("ada/bert", 1)
    assert (details.title, details.status, len(details.events)) == ("Mine", "open", 2)


def test_malformed_requests_are_refused(hub: Hub, bob: str) -> None:
    client, base = hub.client(bob), "/api/models/ada/bert/discussions"
    for title in ("ab", "x" * 201, 5):
        assert client.post(base, json={"title": title}).status_code == 400
    assert client.get(f"{base}?p=-1").status_code == 400
    assert client.get(f"{base}?type=essay").status_code == 400
    for number in ("0", "7", "x", "1/../2", "9" * 30):
        assert client.get(f"{base}/{number}").status_code in {400, 404}
    hub.api().create_discussion("ada/bert", "Question")
    for status in ("merged", "draft", "solved", None):
        assert client.post(f"{base}/1/status", json={"status": status}).status_code in {400, 403}
