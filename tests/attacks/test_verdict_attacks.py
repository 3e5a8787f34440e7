"""Forged verdicts, replayed signatures, hostile claims and locks: each is refused by name."""

import base64
import json
from dataclasses import replace

import pytest

from reprise.base.errors import CorruptContent, InvalidFormat, NotSupported, RepriseError
from reprise.formats import claim, dsse, reprise_lock, sshsig, verdict
from reprise.formats.dsse import Envelope, Signature

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def public() -> bytes:
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    return ed25519.Ed25519PrivateKey.from_private_bytes(KEY).public_key().public_bytes_raw()


def test_a_signature_of_somebody_else_under_an_accepted_name_is_false(public) -> None:
    forged = dsse.sign(b'{"outcome":"reproduced"}', OTHER)
    signature = Signature(dsse.key_id(public), forged.signatures[0].data)
    with pytest.raises(CorruptContent, match="is false"):
        dsse.verify(replace(forged, signatures=(signature,)), [public])


def test_a_signature_is_not_good_for_another_payload_or_type(public) -> None:
    signed = dsse.sign(b'{"claim":"a"}', KEY)
    for changed in (
        replace(signed, payload=b'{"claim":"b"}'), replace(signed, payload_type="text/plain"),
    ):  # fmt: skip
        with pytest.raises(CorruptContent):
            dsse.verify(changed, [public])


def test_bytes_cannot_move_between_type_and_payload(public) -> None:
    signed = dsse.sign(b"payload", KEY, "type")
    moved = replace(signed, payload_type="type 7", payload=b"payload")
    with pytest.raises(CorruptContent):
        dsse.verify(moved, [public])


@pytest.mark.parametrize("data", [b"", b"x" * 64, b"SSHSIG", b"x" * 63, b"\0" * 64])
def test_garbage_is_no_signature(public, data) -> None:
    with pytest.raises(CorruptContent):
        dsse.verify(Envelope(b"{}", signatures=(Signature(dsse.key_id(public), data),)), [public])


def test_an_envelope_without_signatures_is_none() -> None:
    value = {"payload": "e30=", "payloadType": dsse.PAYLOAD_TYPE, "signatures": []}
    with pytest.raises(InvalidFormat, match="signatures must be 1 to 16"):
        dsse.decode(json.dumps(value).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"[" * 100_000, b"{}", b'{"payload": 1}', b'{"payload": "%%"}',
        b'{"payload":"e30=","payload":"e30=","payloadType":"t","signatures":[]}',
        b'{"payload":"e30=","payloadType":"t","signatures":[{"keyid":"k","sig":"*"}]}',
        b'{"payload":"e30=","payloadType":"t","signatures":[1]}', b'{"x": "' + b"a" * (5 << 20),
        b'{"payload":"\\ud800","payloadType":"t","signatures":[]}',
    ],
)  # fmt: skip
def test_broken_envelopes_are_refused(text) -> None:
    with pytest.raises(InvalidFormat):
        dsse.decode(text)


@pytest.mark.parametrize(
    "payload",
    [
        b"{}", b"nul", b'{"_type":"x"}',
        (b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{}}],'
        b'"predicateType":"x","predicate":{}}'),
        b'{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","predicate":{"a":NaN}}',
    ],
)  # fmt: skip
def test_broken_statements_are_refused(payload) -> None:
    with pytest.raises(InvalidFormat):
        dsse.decode_statement(payload)


def test_two_subjects_of_one_name_are_refused() -> None:
    item = {"name": "a", "digest": {"sha256": "a" * 64}}
    value = {"_type": dsse.STATEMENT, "subject": [item, item], "predicateType": "x"}
    with pytest.raises(InvalidFormat, match="comes twice"):
        dsse.decode_statement(json.dumps(value).encode())


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@pytest.mark.parametrize(
    "blob",
    [
        b"SSHSIG\0\0\0\2", b"SSHSIG\0\0\0\1\xff\xff\xff\xff", b"x",
        b"SSHSIG\0\0\0\1" + string(b"") * 5,
        b"SSHSIG\0\0\0\1" + string(b"") * 3 + string(b"md5") + string(b""),
        b"-----BEGIN SSH SIGNATURE-----\n%%", b"-----BEGIN SSH SIGNATURE-----\xff",
    ],
)  # fmt: skip
def test_broken_ssh_signatures_are_refused(blob) -> None:
    with pytest.raises(InvalidFormat):
        sshsig.parse(blob)


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 %%", "hello world"])
def test_broken_public_keys_are_refused(line) -> None:
    with pytest.raises(InvalidFormat):
        sshsig.public_key(line)


def test_other_kinds_of_keys_are_named() -> None:
    with pytest.raises(NotSupported, match="ssh-keygen -t ed25519"):
        sshsig.public_key("ssh-rsa AAAA ada")
    inside = base64.b64encode(string(b"ssh-rsa") + string(b"x" * 32)).decode()
    with pytest.raises(NotSupported):
        sshsig.public_key(f"ssh-ed25519 {inside}")


@pytest.mark.parametrize(
    "text",
    [
        "schema = 1\n" + "[a" * 5000, "a = " + "[" * 100_000, "schema = 1\ntask = 3", "\0",
        "schema = true", "schema = 1\n[model]\nrepo = {x = 1}", "schema = 1e400",
        ("schema = 1\ntask = 't'\n[model]\nrepo = 'a/b'\n[data]\nrepo = 'a/b'\n[metric]\nid = 'f1'"
        "\n[result]\nvalue = '1'\n[run.args]\nx = inf"),
        ("schema = 1\ntask = 't'\n[model]\nrepo = 'a/b'\n[data]\nrepo = 'a/b'\n[metric]\nid = '-'"
        "\n[result]\nvalue = '1'"),
    ],
)  # fmt: skip
def test_hostile_claims_and_locks_are_refused(text) -> None:
    for read in (claim.read, reprise_lock.read):
        with pytest.raises(RepriseError):
            read(text)


def test_a_claim_too_large_is_not_read() -> None:
    with pytest.raises(RepriseError, match="larger than 16 MiB"):
        claim.read("#" * (17 << 20))


@pytest.mark.parametrize("value", [None, [], 1, {1: 2}, {"schema": 1}, {"schema": True}])
def test_hostile_verdicts_are_refused(value) -> None:
    with pytest.raises(InvalidFormat):
        verdict.from_dict(value)
