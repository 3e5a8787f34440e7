"""What the operator sees of inference, in Prometheus' terms."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600)


class Counters:
    """Counters of one hub."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.jobs = Counter(
            "reprise_inference_jobs",
            "Requests to run a model, by what became of them.",
            ["kind", "outcome"],
            registry=registry,
        )
        self.waited = Histogram(
            "reprise_inference_wait_seconds",
            "Time that jobs stood in line.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.took = Histogram(
            "reprise_inference_answer_seconds",
            "Time from a request to the end of its answer.",
            buckets=_SECONDS,
            registry=registry,
        )

    def gauge(self, name: str, text: str, value: Callable[[], int]) -> None:
        """Show a number that is looked up when somebody asks."""
        Gauge(f"reprise_inference_{name}", text, registry=self._registry).set_function(value)
