import json
from pathlib import Path

import pytest

from reprise.base.errors import ConsentRequired, InvalidFormat, InvalidInput
from reprise.base.ids import RepoId
from reprise.hub.address import Address
from reprise.hub.consent import Policy, check_trust, require_consent

REPO = Address("https://hub.org", RepoId("Ada", "Net"))
ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return Policy(tmp_path / "trust.json")


def nobody(_question: str) -> None:
    return None


def test_without_a_terminal_the_error_names_the_flag_and_the_page(policy: Policy) -> None:
    with pytest.raises(ConsentRequired) as caught:
        require_consent(REPO, ONE, "check", policy=policy, ask=nobody)
    assert caught.value.hint == (
        f"Read it: https://hub.org/Ada/Net/tree/{ONE}\nThen pass trust_repo=True "
        "(--trust on the command line), or isolated=True (--isolated) to run it confined."
    )
    assert not policy.path.exists()


def test_trust_repo_true_agrees_once_and_for_this_commit_only(policy: Policy) -> None:
    require_consent(REPO, ONE, True, policy=policy, ask=nobody)
    require_consent(REPO, ONE, "check", policy=policy, ask=nobody)
    with pytest.raises(ConsentRequired):
        require_consent(REPO, TWO, "check", policy=policy, ask=nobody)


def test_consent_for_one_host_says_nothing_about_another(policy: Policy) -> None:
    policy.allow(REPO, ONE)
    for other in ("http://hub.org", "https://hub.org:444", "https://evil.org"):
        assert not policy.allows(Address(other, REPO.repo_id), ONE)


def test_a_yes_is_remembered_and_a_no_is_not(policy: Policy) -> None:
    with pytest.raises(ConsentRequired, match="did not agree"):
        require_consent(REPO, ONE, "check", policy=policy, ask=lambda _: "n\n")
    require_consent(REPO, ONE, "check", policy=policy, ask=lambda _: "Yes\n")
    require_consent(REPO, ONE, "check", policy=policy, ask=nobody)


@pytest.mark.parametrize("answer", ["", "\n", "no", "maybe", "yess", "true", "1"])
def test_anything_but_yes_means_no(policy: Policy, answer: str) -> None:
    with pytest.raises(ConsentRequired):
        require_consent(REPO, ONE, "check", policy=policy, ask=lambda _: answer)


def test_trust_repo_false_asks_even_when_somebody_agreed(policy: Policy) -> None:
    policy.allow(REPO, ONE)
    with pytest.raises(ConsentRequired):
        require_consent(REPO, ONE, False, policy=policy, ask=nobody)


def test_the_question_says_which_commit_was_agreed_to_before(policy: Policy) -> None:
    policy.allow(REPO, ONE)
    asked = []
    require_consent(REPO, TWO, "check", policy=policy, ask=lambda q: asked.append(q) or "y")
    assert f"You agreed to another commit of it before: {ONE}" in asked[0]
    assert f"hub.org/ada/net at commit {TWO}" in asked[0]


@pytest.mark.parametrize("value", [None, 0, 1, "", "no", "True", "yes", [], object()])
def test_any_other_trust_is_an_error(value: object) -> None:
    with pytest.raises(InvalidInput, match="trust_repo must be True, False or 'check'"):
        check_trust(value)


def test_the_file_is_plain_json_that_people_can_write(policy: Policy) -> None:
    policy.allow(REPO, ONE, clock=lambda: 0)
    expected = {"repo": "hub.org/ada/net", "commit": ONE, "agreed": "1970-01-01T00:00:00.000Z"}
    assert json.loads(policy.path.read_text()) == {"version": 1, "allow": [expected]}
    rules = [{"repo": "hub.org/ada/*", "commit": "*"}]
    policy.path.write_text(json.dumps({"version": 1, "allow": rules}))
    assert policy.allows(REPO, TWO)
    assert not policy.allows(Address("https://hub.org", RepoId("adam", "net")), TWO)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"version": 2, "allow": []}', '{"version": 1, "allow": {}}',
     '{"version": 1, "allow": [{"repo": "*"}]}', "[" * 100_000],
)  # fmt: skip
def test_a_broken_file_is_an_error_and_never_a_yes(policy: Policy, text: str) -> None:
    policy.path.write_text(text)
    with pytest.raises(InvalidFormat, match="cannot be read"):
        policy.allows(REPO, ONE)
