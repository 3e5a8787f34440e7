"""Verdicts: read, written, signed by Ed25519 and by SSH keys."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from reprise.base.errors import CorruptContent, InvalidFormat, MissingExtra
from reprise.formats import dsse, sshsig, verdict
from reprise.formats.dsse import Statement
from reprise.formats.verdict import Flips, Level, Outcome, Verdict

DIGEST = "a" * 64
FOUND = Verdict(
    DIGEST, Level.RERUN, Outcome.CONTRADICTED, "0.9146", "0.8921", "0.00005",
    reason="0.0225 below the claimed value", signature="accuracy@1.0|n:3080", unit="fraction",
    n=3080, ci=("0.88", "0.90"), flips=Flips(2, 0, 2, "0.5", ("17", "40")),
    subjects={"ada/net": DIGEST}, environment={"isolation": 2}, made_at="2026-11-21T15:00:00Z",
)  # fmt: skip


def test_a_verdict_is_read_and_written_alike() -> None:
    assert verdict.from_dict(verdict.to_dict(FOUND)) == FOUND
    assert verdict.from_dict(verdict.to_dict(FOUND)).digest == FOUND.digest


def test_some_outcomes_pass_and_some_are_no_answer() -> None:
    assert [it.value for it in Outcome if it.passes] == ["exact", "reproduced", "consistent"]
    assert [it.value for it in Outcome if not it.is_answer] == ["not-runnable", "unverifiable"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "fine"}, "outcome must be exact or"),
        ({"value": None}, "value is missing: the outcome is contradicted"),
        ({"level": "claimed"}, "level claimed means that nothing was done again"),
        ({"outcome": "consistent"}, "outcome consistent is about training"),
        ({"subjects": {"ada/net": "abc"}}, "subjects must give a SHA-256 for every name"),
        ({"flips": {"count": 1, "examples": ["1", "2"]}}, "flips.examples are more than there"),
        ({"schema": 9}, "schema is 9"),
        ({"claim": "x"}, "claim must be a SHA-256"),
        ({"reason": "\ud800"}, "reason holds what is no text"),
    ],
)
def test_a_verdict_that_contradicts_itself_is_refused(change, message) -> None:
    value = {**verdict.to_dict(FOUND), **change}
    with pytest.raises(InvalidFormat) as caught:
        verdict.from_dict({key: item for key, item in value.items() if item is not None})
    assert message in caught.value.message


def test_a_statement_is_in_toto_s() -> None:
    statement = Statement({"ada/net": DIGEST}, verdict.to_dict(FOUND))
    text = dsse.encode_statement(statement)
    assert text.startswith(b'{"_type":"https://in-toto.io/Statement/v1","predicate":{')
    assert dsse.decode_statement(text) == statement


def test_what_is_signed_is_dsse_s_encoding() -> None:
    """The example of the DSSE specification."""
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_an_ed25519_signature_is_made_and_checked() -> None:
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    key = bytes(range(32))
    public = ed25519.Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
    envelope = dsse.decode(dsse.encode(dsse.sign(b"{}", key)))
    assert dsse.verify(envelope, [public]) == (dsse.key_id(public),)
    with pytest.raises(CorruptContent, match="is false: what it signs was changed"):
        dsse.verify(replace(envelope, payload=b"[]"), [public])
    with pytest.raises(CorruptContent, match="None of the accepted keys signed this"):
        dsse.verify(envelope, [bytes(32)])


@pytest.fixture
def ssh_key(tmp_path):
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    pytest.importorskip("cryptography")
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", path]
    subprocess.run(command, check=True)
    return path


def ssh_sign(key, message: bytes, namespace: str) -> bytes:
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", namespace]
    return subprocess.run(command, input=message, check=True, capture_output=True).stdout


def test_a_signature_by_ssh_keygen_is_accepted(ssh_key) -> None:
    line = ssh_key.with_suffix(".pub").read_text()
    public = sshsig.public_key(line)
    assert sshsig.public_line(public, "ada") == line.strip()
    printed = subprocess.run(
        ["ssh-keygen", "-lf", ssh_key], check=True, capture_output=True, text=True
    )
    assert dsse.key_id(public) == printed.stdout.split()[1]
    signature = ssh_sign(ssh_key, dsse.pae(dsse.PAYLOAD_TYPE, b"{}"), "reprise-verdict")
    signed = dsse.Envelope(b"{}", signatures=(dsse.Signature(dsse.key_id(public), signature),))
    assert dsse.verify(signed, [public]) == (dsse.key_id(public),)
    with pytest.raises(CorruptContent):
        dsse.verify(replace(signed, payload=b"[]"), [public])


def test_an_ssh_signature_for_another_purpose_does_not_count(ssh_key) -> None:
    public = sshsig.public_key(ssh_key.with_suffix(".pub").read_text())
    signature = ssh_sign(ssh_key, dsse.pae(dsse.PAYLOAD_TYPE, b"{}"), "git")
    signed = dsse.Envelope(b"{}", signatures=(dsse.Signature(dsse.key_id(public), signature),))
    with pytest.raises(CorruptContent):
        dsse.verify(signed, [public])


def test_signing_without_cryptography_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    name = "cryptography.hazmat.primitives.asymmetric.ed25519"
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"pip install 'reprise\[verify\]'"):
        dsse.sign(b"{}", bytes(32))
