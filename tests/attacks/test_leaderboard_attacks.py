"""Leaderboards, badges and evidence pages tell nobody's secrets, and believe nobody's word."""

import json

import pytest

from reprise.base.errors import InvalidInput, NotFound
from reprise.base.ids import RepoId, RepoType
from reprise.formats import claim as claims_format
from reprise.formats.claim import Claim
from reprise.formats.sota import PastResult
from reprise.formats.verdict import Level
from reprise.registry import leaderboards, past_results, repos, reverify
from reprise.registry import verifier_keys as keys
from reprise.registry.access import ANONYMOUS
from reprise.registry.operator_key import hub_id
from reprise.registry.registry import Registry
from reprise.registry.repos import lookup
from tests.boards import Verifier, state, stated
from tests.committing import commit, line
from tests.factories import Hub, make_repo, make_token, make_user

DATA = "ada/data"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e=cmd|x'


def built(registry: Registry):
    with registry.db.read() as conn:
        found = leaderboards.benchmarks(conn, ANONYMOUS)
        return [leaderboards.build(conn, it) for it in found]


def names(entries) -> list[tuple[str, str]]:
    return [(it.claim.repo_name, it.reason) for it in entries]


def test_a_private_model_is_nowhere(hub: Hub) -> None:
    make_repo(hub.registry, DATA, "dataset")
    secret = stated("ada/secret", "0.9000")
    (digest,) = state(hub.registry, secret, private=True)
    Verifier(hub.registry, "ada").post(secret, "0.9")
    make_user(hub.registry, "bob")
    own = hub.client(hub.token)
    (board,) = own.get("/api/leaderboards").json()
    paths = [
        f"/api/leaderboards/{board['id']}", f"/api/leaderboards/{board['id']}?format=csv",
        f"/api/claims/{digest}/badge.svg", f"/leaderboards/{board['id']}", f"/claims/{digest}",
        f"/api/datasets/{DATA}/leaderboard",
    ]  # fmt: skip
    assert [own.get(path).status_code for path in paths] == [200] * len(paths)
    assert len(own.get("/api/verifications/due?days=0").json()) == 1
    for stranger in (hub.client(), hub.client(make_token(hub.registry, "bob"))):
        assert [stranger.get(path).status_code for path in paths] == [404] * len(paths)
        for path in ("/api/leaderboards", "/api/leaderboards?format=sota", "/leaderboards",
                     "/api/verifications/due?days=0", "/api/datasets?filter=benchmark:official",
                     f"/datasets/{DATA}"):  # fmt: skip
            answer = stranger.get(path)
            assert answer.status_code == 200
            assert "secret" not in answer.text
            assert digest[:12] not in answer.text
    gone = hub.client().get("/api/claims/" + "0" * 64 + "/badge.svg")
    hidden = hub.client().get(f"/api/claims/{digest}/badge.svg")
    assert gone.text.replace("0" * 64, "X") == hidden.text.replace(digest, "X")


def test_a_model_that_becomes_private_or_goes_leaves_the_board(registry: Registry) -> None:
    claimed = stated("ada/net", "0.9000")
    state(registry, claimed)
    Verifier(registry, "bob").post(claimed, "0.9")
    assert names(built(registry)[0].ranked) == [("ada/net", "")]
    repo_id = RepoId.parse("ada/net")
    with registry.db.write() as conn:
        found = lookup(conn, RepoType.MODEL, repo_id)
        assert found is not None
        repos.change(conn, found, private=True)
    assert built(registry) == []
    with registry.db.write() as conn:
        found = lookup(conn, RepoType.MODEL, repo_id)
        assert found is not None
        repos.remove(conn, found)
    assert built(registry) == []  # it was private when it went


def test_what_was_verified_stays_when_a_public_repo_goes(hub: Hub) -> None:
    claimed = stated("ada/net", "0.9900")
    (digest,) = state(hub.registry, claimed)
    Verifier(hub.registry, "bob").post(claimed, "0.5")
    hub.api().delete_repo("ada/net")
    (board,) = built(hub.registry)
    assert names(board.below) == [("ada/net", "contradicted")]
    client = hub.client()
    assert "ada/net, which was deleted" in client.get(f"/claims/{digest}").text
    page = client.get(f"/leaderboards/{board.benchmark.id}").text
    assert 'ada/net <span class="quiet">deleted</span>' in page
    assert client.get(f"/api/claims/{digest}/badge.svg").status_code == 200
    assert client.get("/api/verifications/due?days=0").json() == []


def test_withdrawing_a_claim_hides_no_contradiction(registry: Registry) -> None:
    lie, honest = stated("ada/lie", "0.9900"), stated("ada/net", "0.9000")
    state(registry, lie, honest)
    bob = Verifier(registry, "bob")
    bob.post(lie, "0.5")
    bob.post(honest, "0.9")
    newer = stated("ada/lie", "0.5000")
    commit_only(registry, newer)
    bob.post(newer, "0.5")
    (board,) = built(registry)
    assert names(board.ranked) == [("ada/net", ""), ("ada/lie", "")]
    assert names(board.below) == [("ada/lie", "contradicted")]


def test_nobody_ranks_themselves_and_revoked_keys_rank_nobody(registry: Registry) -> None:
    own, good = stated("eve/own", "0.9999"), stated("ada/net", "0.9000")
    state(registry, own, good)
    Verifier(registry, "eve").post(own)
    bob = Verifier(registry, "bob")
    bob.post(good)
    (board,) = built(registry)
    assert (names(board.ranked), names(board.below)) == ([("ada/net", "")], [("eve/own", "own")])
    with registry.db.write() as conn:
        said = {"reason": "lost", "hub": hub_id(registry.secret)}
        keys.revoke(conn, bob.caller(conn), bob.key.fingerprint, said, now=registry.clock())
    (board,) = built(registry)
    assert (board.ranked, names(board.below), board.history) == ((), [("eve/own", "own")], ())


def test_predictions_that_nobody_computed_rank_nobody(registry: Registry) -> None:
    made_up, honest = stated("eve/made-up", "1.0000"), stated("ada/net", "0.9000")
    state(registry, made_up, honest)
    bob, dan = Verifier(registry, "bob"), Verifier(registry, "dan", {"machine": "arm64"})
    bob.post(made_up, level=Level.RECOMPUTED)
    bob.post(honest)
    (board,) = built(registry)
    assert names(board.ranked) == [("ada/net", "")]
    assert names(board.below) == [("eve/made-up", "recomputed")]
    bob.post(made_up, "0.5")  # somebody runs the model
    dan.post(made_up, level=Level.RECOMPUTED)  # and somebody else does not, on other hardware
    assert names(built(registry)[0].below) == [("eve/made-up", "contradicted")]
    fred = Verifier(registry, "fred")
    fred.post(made_up)  # on the hardware where bob got something else
    assert names(built(registry)[0].below) == [("eve/made-up", "contradicted")]
    Verifier(registry, "gus", {"machine": "riscv"}).post(made_up)
    assert names(built(registry)[0].ranked) == [("eve/made-up", ""), ("ada/net", "")]


def test_other_metrics_sizes_and_rows_are_other_boards(registry: Registry) -> None:
    bob = Verifier(registry, "bob")
    many = [
        stated("ada/a", "0.9000"), stated("ada/b", "0.9500", n=10),
        stated("ada/c", "0.9900", metric="accuracy@2.0"), stated("ada/d", "0.9990", split="train"),
        stated("ada/e", "0.9800", unit="percent"),
    ]  # fmt: skip
    state(registry, *many)
    for it in many:
        bob.post(it)
    boards = built(registry)
    assert sorted(names(it.ranked)[0][0] for it in boards) == [f"ada/{it}" for it in "abcde"]
    easy = stated("ada/easy", "1.0000", content="f" * 64)
    state(registry, easy)
    bob.post(easy)
    (board,) = (it for it in built(registry) if len(it.benchmark.claim_ids) == 2)
    assert len(board.ranked) == 1
    assert [it.reason for it in board.below] == ["other-rows"]


def test_a_claim_cannot_turn_an_order_round(registry: Registry) -> None:
    bob = Verifier(registry, "bob")
    bad = stated("ada/bad", "0.1000", higher_is_better=False)
    good = stated("ada/good", "0.9000", higher_is_better=False)
    state(registry, bad, good)
    bob.post(bad)
    bob.post(good)
    assert [it.claim.repo_name for it in built(registry)[0].ranked] == ["ada/good", "ada/bad"]


def test_hostile_words_stay_words(hub: Hub) -> None:
    claimed = stated("ada/net", "0.9000", data="other/data", config=HOSTILE[:150], task=HOSTILE)
    (digest,) = state(hub.registry, claimed)
    bob = Verifier(hub.registry, "bob", hardware={"machine": HOSTILE, HOSTILE: {HOSTILE: [1]}})
    environment = {"packages": {HOSTILE: HOSTILE}, HOSTILE: HOSTILE}
    rows = json.dumps({"format": "reprise-examples/1"}) + "\n" + json.dumps({"id": HOSTILE})
    bob.post(claimed, "0.9", {"examples.jsonl": rows, "log.txt": HOSTILE}, reason=HOSTILE,
             environment=environment)  # fmt: skip
    past = [PastResult(HOSTILE, "data", HOSTILE, HOSTILE, HOSTILE, HOSTILE)]
    with hub.registry.db.write() as conn:
        past_results.take_in(conn, HOSTILE, past, now=1)
        (found,) = leaderboards.benchmarks(conn, ANONYMOUS)
    client = hub.client()
    for path in ("/leaderboards", f"/leaderboards/{found.id}", f"/claims/{digest}", "/ada/net",
                 f"/past-leaderboards/{past_results.board_of(past[0])}",
                 f"/api/claims/{digest}/badge.svg",
                 f"/leaderboards?search={HOSTILE}"):  # fmt: skip
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
    cells = client.get(f"/api/leaderboards/{found.id}?format=csv").text.split(",")
    assert not [cell for cell in cells if cell.strip('"').startswith(("=", "@", "+"))]


ODD = [
    "/api/leaderboards/..%2f", "/api/leaderboards/%00", "/leaderboards/x%20y",
    "/api/verifications/due?days=-1", "/api/verifications/due?limit=1e9",
    "/api/leaderboards?format=html", "/api/claims/xyz/badge.svg", "/claims/0",
    "/api/past-leaderboards/x", "/api/datasets/ada/none/leaderboard",
    "/api/models/ada/none/leaderboard", "/leaderboards?search=%00", "/claims/" + "z" * 64,
]  # fmt: skip


def test_odd_addresses_are_refused(hub: Hub) -> None:
    client = hub.client()
    answers = [client.get(path).status_code for path in ODD]
    assert [path for path, it in zip(ODD, answers, strict=True) if it not in {400, 404}] == []


def test_rebuilds_and_imports_take_only_what_they_understand(registry: Registry) -> None:
    with registry.db.write() as conn:
        for package, versions in (("", "<1"), ("a b", "<1"), ("numpy", "latest"), ("numpy", "")):
            with pytest.raises(InvalidInput):
                reverify.add_rebuild(conn, package, versions, "x", now=1)
        with pytest.raises(NotFound):
            reverify.remove_rebuild(conn, 7)
        with pytest.raises(InvalidInput, match="no results"):
            past_results.take_in(conn, "x", [], now=1)
        with pytest.raises(InvalidInput, match="name"):
            past_results.take_in(conn, "\x00", [PastResult("a", "b", "c", "d", "1")], now=1)


def commit_only(registry: Registry, claimed: Claim) -> None:
    """State a claim instead of all others of its repo."""
    from reprise.registry import claim_reading

    text = claims_format.write(claimed).encode()
    with registry.db.read() as conn:
        found = lookup(conn, RepoType.MODEL, RepoId.parse(claimed.model.repo))
    assert found is not None
    old = _claim_paths(registry, found)
    deletions = [line("deletedFile", path=it) for it in old]
    commit(registry, claimed.model.repo, {".reprise/claims/new.toml": text}, {}, *deletions)
    claim_reading.catch_up(registry)


def _claim_paths(registry: Registry, found) -> list[str]:
    from reprise.registry import claims

    with registry.db.read() as conn:
        return [it.path for it in claims.of_repo(conn, found.id)]
