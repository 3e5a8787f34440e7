"""Default models: the signed file, and the keys of hubs that are remembered."""

import json
from pathlib import Path

import pytest

from reprise.base.errors import CorruptContent, InvalidFormat, NotSupported
from reprise.base.ids import RepoId
from reprise.formats import defaults, dsse
from reprise.formats.defaults import Default
from reprise.formats.tasks import canonical_task
from reprise.hub.known_hubs import KnownHubs

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
MODELS = {"fill-mask": Default(RepoId("ada", "words"), "a" * 40)}
HUB = "https://hub.example"


def test_what_is_sealed_is_read_again() -> None:
    found = defaults.unseal(defaults.seal(MODELS, KEY))
    assert (found.key, found.models) == (dsse.public_key(KEY), MODELS)
    assert found.of("translation_en_to_de", "fill-mask") == MODELS["fill-mask"]
    assert found.of("summarization") is None


def _signed(payload: object, kind: str = defaults.PAYLOAD_TYPE) -> bytes:
    return dsse.encode(dsse.sign(json.dumps(payload).encode(), KEY, kind))


def _payload(**changes: object) -> dict[str, object]:
    envelope = dsse.decode(defaults.seal(MODELS, KEY))
    return {**json.loads(envelope.payload), **changes}


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[" * 100_000,
        b" " * (defaults.MAX_SIZE + 1),
        _signed(_payload(), "text/plain"),
        _signed(_payload(version=2)),
        _signed(_payload(more=1)),
        _signed(_payload(key="ssh-rsa AAAA")),
        _signed(_payload(models={"fill-mask": {"repo": "a/b/c", "commit": "a" * 40}})),
        _signed(_payload(models={"fill-mask": {"repo": "a/b"}})),
        _signed(_payload(models={"fill-mask": {"repo": "a/b", "commit": "main"}})),
        _signed([]),
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises((InvalidFormat, NotSupported)):
        defaults.unseal(data)


def test_a_list_that_was_changed_or_signed_by_another_is_refused() -> None:
    envelope = dsse.decode(defaults.seal(MODELS, KEY))
    changed = dsse.Envelope(
        envelope.payload.replace(b"words", b"swords"), envelope.payload_type, envelope.signatures
    )
    other = dsse.sign(envelope.payload, OTHER, defaults.PAYLOAD_TYPE)
    for found in (changed, other):
        with pytest.raises(CorruptContent, match="not signed by the key it names"):
            defaults.unseal(dsse.encode(found))


def test_the_first_key_of_a_hub_is_remembered_and_another_is_an_error(tmp_path: Path) -> None:
    known = KnownHubs(tmp_path / "config" / "known_hubs.json")
    first, second = dsse.public_key(KEY), dsse.public_key(OTHER)
    assert [known.check(HUB, first), known.check(HUB, first)] == [False, True]
    assert known.check(f"{HUB}:8", second) is False
    with pytest.raises(CorruptContent, match="another key") as caught:
        known.check(HUB, second)
    assert str(known.path) in str(caught.value.hint)
    assert known.check(HUB, first)
    known.path.write_text('{"version": 1, "hubs": {"a": {}}}')
    with pytest.raises(InvalidFormat, match="cannot be read"):
        known.check(HUB, first)


def test_other_names_of_tasks_mean_one_task() -> None:
    names = ["sentiment-analysis", "ner", "conversational", "translation_en_to_de", "fill-mask"]
    assert [canonical_task(name) for name in names] == [
        "text-classification", "token-classification", "text-generation", "translation",
        "fill-mask",
    ]  # fmt: skip
