"""Every metric there is, by id and version; nothing is imported before it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from reprise.base.errors import InvalidInput, NotFound
from reprise.base.optional import require

if TYPE_CHECKING:
    from reprise.metrics.definition import Definition

# Id -> version -> where it is defined. Versions that were replaced stay.
_BUILT_IN: dict[str, dict[str, str]] = {
    "accuracy": {"1.0": "classification:ACCURACY"},
    "blimp": {"1.0": "minimal_pairs:BLIMP"},
    "bleu": {"1.0": "translation:BLEU"},
    "cer": {"1.0": "speech:CER"},
    "chrf": {"1.0": "translation:CHRF"},
    "entity_f1": {"1.0": "entities:ENTITY_F1"},
    "exact_match": {"1.0": "exact_match:EXACT_MATCH"},
    "f1": {"1.0": "classification:F1"},
    "glue-ax": {"1.0": "glue:AX"},
    "glue-cola": {"1.0": "glue:COLA"},
    "glue-mnli_matched": {"1.0": "glue:MNLI_MATCHED"},
    "glue-mnli_mismatched": {"1.0": "glue:MNLI_MISMATCHED"},
    "glue-mrpc": {"1.0": "glue:MRPC"},
    "glue-qnli": {"1.0": "glue:QNLI"},
    "glue-qqp": {"1.0": "glue:QQP"},
    "glue-rte": {"1.0": "glue:RTE"},
    "glue-sst2": {"1.0": "glue:SST2"},
    "glue-stsb": {"1.0": "glue:STSB"},
    "glue-wnli": {"1.0": "glue:WNLI"},
    "grouped_accuracy": {"1.0": "grouped_accuracy:GROUPED_ACCURACY"},
    "matthews_correlation": {"1.0": "classification:MATTHEWS"},
    "mrr": {"1.0": "ranking:MRR"},
    "ndcg": {"1.0": "ranking:NDCG"},
    "pearsonr": {"1.0": "correlation:PEARSON"},
    "perplexity": {"1.0": "perplexity:PERPLEXITY"},
    "precision": {"1.0": "classification:PRECISION"},
    "recall": {"1.0": "classification:RECALL"},
    "recall_at_k": {"1.0": "ranking:RECALL_AT_K"},
    "roc_auc": {"1.0": "auc:ROC_AUC"},
    "rouge": {"1.0": "rouge:ROUGE"},
    "spearmanr": {"1.0": "correlation:SPEARMAN"},
    "squad1": {"1.0": "squad1:SQUAD1"},
    "squad2": {"1.0": "squad2:SQUAD2"},
    "squad2-best": {"1.0": "squad2:SQUAD2_BEST"},
    "superglue-axb": {"1.0": "superglue:AXB"},
    "superglue-axg": {"1.0": "superglue_groups:AXG"},
    "superglue-boolq": {"1.0": "superglue:BOOLQ"},
    "superglue-cb": {"1.0": "superglue:CB"},
    "superglue-copa": {"1.0": "superglue:COPA"},
    "superglue-multirc": {"1.0": "superglue_groups:MULTIRC"},
    "superglue-record": {"1.0": "superglue_groups:RECORD"},
    "superglue-rte": {"1.0": "superglue:RTE"},
    "superglue-wic": {"1.0": "superglue:WIC"},
    "superglue-wsc": {"1.0": "superglue:WSC"},
    "ter": {"1.0": "translation:TER"},
    "wer": {"1.0": "speech:WER"},
}

# Names that others use for the same.
ALIASES = {
    "auc": "roc_auc",
    "mcc": "matthews_correlation",
    "pearson": "pearsonr",
    "sacrebleu": "bleu",
    "seqeval": "entity_f1",
    "spearman": "spearmanr",
    "squad": "squad1",
    "squad_v2": "squad2",
}

# Benchmarks that are named with a task: load_metric("glue", "mrpc").
FAMILIES = {"glue": "glue-", "super_glue": "superglue-", "superglue": "superglue-"}
_TASK_ALIASES = {
    "glue-mnli": "glue-mnli_matched",
    "glue-sst-2": "glue-sst2",
    "glue-sts-b": "glue-stsb",
}
_NEAR = 3


@dataclass(frozen=True)
class Name:
    """A metric as somebody asked for it.

    Attributes:
        id: Its id.
        version: MAJOR.MINOR, MAJOR for the newest of that, or None for the newest of all.
    """

    id: str
    version: str | None = None


def ids() -> list[str]:
    """List all ids, sorted."""
    return sorted(_BUILT_IN)


def versions(identity: str) -> list[str]:
    """List the versions of a metric, oldest first."""
    return sorted(_BUILT_IN[identity], key=_order)


def definitions() -> Iterator["Definition"]:
    """Load the definitions of all metrics in all versions."""
    for identity in ids():
        for version in versions(identity):
            yield load(identity, version)


def resolve(text: str, config: str | None = None) -> Name:
    """Find the metric that a name means.

    Args:
        text: An id, or a name that `evaluate` has for it, with or without `@version`.
        config: Task of a benchmark: "mrpc".

    Raises:
        NotFound: There is none; the message names near ones.
    """
    name, at, version = text.partition("@")
    plain = name.strip().lower()
    if plain in FAMILIES:
        plain = _task(plain, config)
    elif config is not None:
        raise InvalidInput(f"{name} has no configurations, so {config!r} means nothing to it.")
    found = ALIASES.get(plain, plain)
    if found not in _BUILT_IN:
        raise NotFound(f"There is no metric {text!r}.", hint=_near(plain))
    return Name(found, _version(found, version if at else None))


def load(identity: str, version: str) -> "Definition":
    """Import a definition.

    Raises:
        MissingExtra: numpy is not installed.
    """
    require("numpy", extra="run")
    module, _, attribute = _BUILT_IN[identity][version].partition(":")
    found: Definition = getattr(import_module(f"{__package__}.definitions.{module}"), attribute)
    assert found.name == f"{identity}@{version}"
    return found


def _task(family: str, config: str | None) -> str:
    prefix = FAMILIES[family]
    tasks = [identity.removeprefix(prefix) for identity in _BUILT_IN if identity.startswith(prefix)]
    if config is None:
        raise InvalidInput(
            f"{family} is a benchmark of several tasks.",
            hint=f"Name one: load_metric({family!r}, {tasks[0]!r}); it has {', '.join(tasks)}. "
            "The score of the whole is reprise.metrics.suite_score.",
        )
    wanted = prefix + config.lower().replace(".", "")
    wanted = _TASK_ALIASES.get(wanted, wanted)
    if wanted not in _BUILT_IN:
        raise NotFound(f"{family} has no task {config!r}.", hint=f"It has {', '.join(tasks)}.")
    return wanted


def _version(identity: str, wanted: str | None) -> str:
    known = versions(identity)
    same = [v for v in known if wanted is None or v == wanted or v.partition(".")[0] == wanted]
    if not same:
        raise NotFound(f"{identity} has no version {wanted!r}.", hint=f"It has {', '.join(known)}.")
    return same[-1]


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _near(name: str) -> str:
    known = [*_BUILT_IN, *ALIASES, *FAMILIES]
    close = get_close_matches(name, known, n=_NEAR, cutoff=0.6)
    if not close:
        close = [known_name for known_name in known if name and name in known_name][:_NEAR]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return "`reprise metric list` shows all; metrics of others are named owner/name."
