"""`load_metric`: from a name to a metric that computes."""

from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.metrics import catalogue

if TYPE_CHECKING:
    from reprise.hub.isolated import Isolation
    from reprise.metrics.definition import Definition
    from reprise.metrics.metric import Metric


def load_metric(  # noqa: PLR0913 - a front door: every choice is a keyword
    name: str,
    config_name: str | None = None,
    *,
    revision: str | None = None,
    replicates: int | None = None,
    seed: int | None = None,
    trust_repo: bool | str = "check",
    isolated: "bool | Isolation" = False,
    **options: Any,
) -> "Metric":
    """Return a metric.

    Args:
        name: An id with or without a version ("f1", "squad2@1.0"), a name that `evaluate` has for
            it ("squad_v2", "seqeval"), or a metric repo on a hub ("owner/name").
        config_name: Task of a benchmark: `load_metric("glue", "mrpc")`.
        revision: Branch, tag or commit of a metric repo.
        replicates: Bootstrap draws behind stderr and interval: 1,000; 0 for none.
        seed: Of the draws.
        trust_repo: As for `reprise.load`; asked about only for repos whose code scores.
        isolated: True, or an `Isolation`, runs such code in a worker, as for `reprise.load`.
        **options: Options of the metric; `compute` may give others.

    Raises:
        NotFound: There is no metric by that name; the message names near ones.
        InvalidInput: An option is wrong.
        ConsentRequired: The repo's code would have to run, and nobody agreed to that.
        MissingExtra: A library that it stands on is not installed.

    Example:
        >>> load_metric("accuracy").compute(predictions=[1, 0], references=[1, 1])
        {'accuracy': 0.5}
    """
    require("numpy", extra="run")
    from reprise.metrics.metric import Metric

    plan = {k: v for k, v in (("replicates", replicates), ("seed", seed)) if v is not None}
    definition = find_definition(
        name, config_name, revision=revision, trust_repo=trust_repo, isolated=isolated
    )
    if definition.requires:
        require(definition.requires[0], extra=definition.requires[1])
    return Metric(definition, options, **plan)


def find_definition(
    name: str,
    config_name: str | None = None,
    *,
    revision: str | None = None,
    trust_repo: bool | str = "check",
    isolated: "bool | Isolation" = False,
) -> "Definition":
    """Return what a metric computes, see `load_metric`."""
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput(f"A metric is named by a text, not {name!r}.")
    if "/" not in name:
        if revision is not None:
            raise InvalidInput(
                "revision is for metric repos: load_metric('owner/name', …).",
                hint=f"For a version write {name.partition('@')[0]}@1.0.",
            )
        found = catalogue.resolve(name, config_name)
        return catalogue.load(found.id, str(found.version))
    if config_name is not None:
        raise InvalidInput(f"{name} is a repo; it has no configurations.")
    from reprise.metrics.repos import load_definition

    return load_definition(name, revision, trust_repo=trust_repo, isolated=isolated)
