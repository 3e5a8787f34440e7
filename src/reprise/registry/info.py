"""Repo info as JSON: the part a commit decides, kept encoded, and the part that changes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from reprise.base.clock import iso
from reprise.base.errors import InvalidInput
from reprise.base.ids import RepoType
from reprise.base.lru import Lru
from reprise.formats.model_index import with_verdicts
from reprise.registry import parameters
from reprise.registry.access import Repo
from reprise.registry.commit_facts import CommitFacts, FileFact
from reprise.registry.model_kind import auto_class
from reprise.registry.parameters import HeaderCache
from reprise.registry.registry import Registry

# Properties that `expand` may name, as the clients list them.
EXPANDABLE: dict[RepoType, tuple[str, ...]] = {
    RepoType.MODEL: tuple(
        "author baseModels cardData childrenModelCount config createdAt disabled downloads "
        "downloadsAllTime evalResults gated gguf inference inferenceProviderMapping lastModified "
        "library_name likes mask_token model-index pipeline_tag private resourceGroup safetensors "
        "sha siblings spaces tags transformersInfo trendingScore usedStorage widgetData".split()
    ),
    RepoType.DATASET: tuple(
        "author cardData citation createdAt description disabled downloads downloadsAllTime gated "
        "lastModified likes mainSize paperswithcode_id private resourceGroup sha siblings tags "
        "trendingScore usedStorage".split()
    ),
    RepoType.SPACE: tuple(
        "author cardData createdAt datasets disabled lastModified likes models private region "
        "resourceGroup runtime sdk sha siblings subdomain tags trendingScore usedStorage".split()
    ),
    RepoType.METRIC: tuple(
        "author cardData createdAt description disabled downloads gated lastModified likes private "
        "sha siblings tags trendingScore usedStorage".split()
    ),
}
# Asked for by huggingface_hub 0.30 to 0.35 before every upload of a large file.
_OF_OLD_CLIENTS = frozenset({"xetEnabled"})
# What comes only when asked for.
_ON_REQUEST = frozenset({"baseModels", "downloadsAllTime", "evalResults", "trendingScore"})
# Fields of config.json and tokenizer_config.json that clients look at.
_CONFIG_FIELDS = ("architectures", "model_type", "auto_map", "quantization_config")
_TOKENIZER_FIELDS = "bos_token chat_template eos_token mask_token pad_token unk_token".split()

CACHE_BYTES = 64 << 20


@dataclass(frozen=True)
class CommitInfo:
    """The part of repo info that a commit decides, each property already encoded."""

    parts: Mapping[str, bytes]  # property -> JSON
    shown: Mapping[str, bytes]  # those that come without being asked for
    joined: bytes  # the same in one piece: `"sha":"…","siblings":[…],…`
    micros: int  # committer's date
    weight: int


@dataclass(frozen=True)
class InfoCaches:
    """What is worth keeping between requests."""

    commits: Lru[tuple[int, int, bytes], CommitInfo]  # by `key_of`
    headers: HeaderCache  # SHA-256 of a safetensors file -> parameters by type

    @classmethod
    def empty(cls) -> "InfoCaches":
        """Make empty caches."""
        return cls(
            Lru(CACHE_BYTES, lambda info: info.weight), Lru(CACHE_BYTES // 16, lambda _: 512)
        )


def key_of(repo: Repo, commit: bytes) -> tuple[int, int, bytes]:
    """Build the key of a commit's info; numbers of deleted repos may come back."""
    return repo.id, repo.created_at, commit


def check_expand(repo_type: RepoType, names: Sequence[str]) -> None:
    """Check what a caller asks to be expanded.

    Raises:
        InvalidInput: A name that is no property; the message lists those there are.
    """
    known = EXPANDABLE[repo_type]
    for name in names:
        if name not in known and name not in _OF_OLD_CLIENTS:
            raise InvalidInput(
                f"Invalid value {name[:80]!r} for 'expand', expected one of: {', '.join(known)}"
            )


def build(registry: Registry, repo: Repo, facts: CommitFacts, headers: HeaderCache) -> CommitInfo:
    """Encode what a commit says. Reads the headers of weights; hold no connection meanwhile."""
    properties = dict(_properties(repo, facts, parameters.count(registry, facts, headers)))
    parts = {name: encode(value) for name, value in properties.items() if value is not None}
    asked_only = _ON_REQUEST | ({"usedStorage"} if repo.type is RepoType.SPACE else set())
    shown = {name: part for name, part in parts.items() if name not in asked_only}
    joined = join(shown)
    weight = len(joined) + sum(map(len, parts.values())) + 1000
    return CommitInfo(parts, shown, joined, facts.micros, weight)


def siblings_with_blobs(found: Sequence[FileFact]) -> bytes:
    """Encode the files with sizes and ids, for `blobs=true`."""
    return encode([_sibling(file) for file in found])


def repo_parts(repo: Repo, micros: int | None = None) -> dict[str, Any]:
    """List the properties that change without a commit.

    Args:
        repo: The repo.
        micros: The commit's date when it is not the tip of the default branch.
    """
    return {
        "author": repo.repo_id.owner,
        "private": repo.private,
        "gated": repo.gated or False,
        "disabled": repo.disabled,
        "downloads": repo.downloads,
        "likes": repo.likes,
        "createdAt": iso(repo.created_at),
        "lastModified": iso(repo.updated_at if micros is None else micros),
    }


def encode(value: Any) -> bytes:
    """Encode a JSON value."""
    return msgspec.json.encode(value)


def join(parts: Mapping[str, bytes]) -> bytes:
    """Join encoded properties to the inside of a JSON object."""
    return b",".join(b'"%s":%s' % (name.encode(), part) for name, part in parts.items())


def _properties(
    repo: Repo, facts: CommitFacts, parameters: Mapping[str, int]
) -> Iterator[tuple[str, Any]]:
    card, found = facts.description.card, facts.description
    yield "sha", facts.commit.hex()
    yield "tags", found.tags
    yield "siblings", [{"rfilename": file.path} for file in facts.files]
    yield "cardData", card
    yield "usedStorage", sum(file.size for file in facts.files)
    match repo.type:
        case RepoType.MODEL:
            yield from _model_properties(facts, parameters)
        case RepoType.SPACE:
            yield "sdk", card.get("sdk")
            yield "models", _texts(card.get("models"))
            yield "datasets", _texts(card.get("datasets"))
            yield "subdomain", re.sub(r"[^a-z0-9-]", "-", repo.repo_id.key)
        case _:
            yield "description", facts.description.summary
            yield "mainSize", sum(file.size for file in facts.files)
            yield "paperswithcode_id", card.get("paperswithcode_id")


def _model_properties(
    facts: CommitFacts, parameters: Mapping[str, int]
) -> Iterator[tuple[str, Any]]:
    card, found = facts.description.card, facts.description
    yield "pipeline_tag", found.pipeline_tag
    yield "library_name", found.library_name
    yield "mask_token", _token_text(facts.tokenizer.get("mask_token"))
    yield "widgetData", card.get("widget")
    # An author's word is no verdict: `verified` stands where the face finds one.
    yield "model-index", with_verdicts(card.get("model-index"))
    yield "baseModels", _texts(card.get("base_model"))
    yield "evalResults", []
    yield "spaces", []
    if facts.config:
        yield "config", _config(facts)
    if found.library_name == "transformers":
        yield "transformersInfo", _transformers_info(found.pipeline_tag)
    if parameters:
        yield "safetensors", {"parameters": parameters, "total": sum(parameters.values())}


def _config(facts: CommitFacts) -> dict[str, Any]:
    shown = {name: facts.config[name] for name in _CONFIG_FIELDS if name in facts.config}
    tokenizer = {
        name: facts.tokenizer[name] for name in _TOKENIZER_FIELDS if name in facts.tokenizer
    }
    return {**shown, "tokenizer_config": tokenizer}


def _transformers_info(task: str | None) -> dict[str, Any]:
    info = {"auto_model": auto_class(task), "pipeline_tag": task, "processor": "AutoTokenizer"}
    return {name: value for name, value in info.items() if value is not None}


def _token_text(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _sibling(file: FileFact) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "rfilename": file.path,
        "size": file.size,
        "blobId": file.oid.hex(),
    }
    if file.pointer is not None:
        shown["lfs"] = {
            "sha256": file.pointer.sha256,
            "size": file.pointer.size,
            "pointerSize": file.blob_size,
        }
    return shown


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]
