"""Graphs at work: made when a call first needs them, kept, and their errors put into words."""

import hashlib
import logging
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.base.files import write_bytes
from reprise.models.onnx import emit, proto
from reprise.models.onnx.call import Request
from reprise.models.onnx.pages import on_large_pages
from reprise.models.onnx.placing import Placed
from reprise.models.onnx.weights import Weights
from reprise.models.plan import Plan

log = logging.getLogger(__name__)
_FATAL = 4  # of ONNX Runtime's log levels: errors come to the caller as exceptions
_FOLDER = "session.model_external_initializers_file_folder_path"
Arrays = dict[str, np.ndarray]


class Sessions:
    """The graphs of one model.

    Args:
        plan: What to run.
        placed: Where its numbers lie.
        cache: Folder of graphs emitted before.
        threads: How many to compute with; 0 leaves it to ONNX Runtime.
        check: Looks at the weights; called before a graph is emitted for the first time.
    """

    def __init__(self, plan: Plan, placed: Placed, cache: Path, *, threads: int,
                 check: Callable[[], None]) -> None:  # fmt: skip
        self.placed, self.cache, self.threads = placed, cache, threads
        self._plan, self._check = plan, check
        self._made: dict[Request, ort.InferenceSession] = {}

    def run(self, request: Request, feeds: Arrays) -> Arrays:
        """Run a variant of the model.

        Raises:
            InvalidInput: ONNX Runtime refuses the inputs; the message says why.
        """
        session = self.session(request)
        try:
            found = session.run(None, feeds)
        except Exception as error:
            raise _in_words(error, "run this model on these inputs") from error
        return dict(zip((out.name for out in session.get_outputs()), found, strict=True))

    def session(self, request: Request) -> ort.InferenceSession:
        """Give the session of a variant of the model.

        Raises:
            InvalidInput: ONNX Runtime cannot start it; the message says why.
        """
        if request not in self._made:
            self._made[request] = self._session(request)
        return self._made[request]

    @property
    def started(self) -> Collection[Request]:
        """Variants that have a session."""
        return self._made.keys()

    def run_bound(self, session: ort.InferenceSession, binding: Any) -> None:
        """Run a session on memory that is bound to it.

        Raises:
            InvalidInput: ONNX Runtime refuses the inputs; the message says why.
        """
        try:
            session.run_with_iobinding(binding)
        except Exception as error:
            raise _in_words(error, "run this model on these inputs") from error

    def _session(self, request: Request) -> ort.InferenceSession:
        graph, placed = self._graph(request), self.placed
        options = ort.SessionOptions()
        options.log_severity_level = _FATAL
        options.intra_op_num_threads = self.threads
        # What could be fused is emitted fused: optimising would only cost time at the start, and
        # packing the weights again as much memory as they take.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        moved = bool(placed.rounded) or request.packed
        if not moved:
            options.add_session_config_entry("session.disable_prepacking", "1")
        options.add_session_config_entry(_FOLDER, str(placed.folder))
        try:
            with on_large_pages() if moved else nullcontext():
                return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise _in_words(error, "start this model") from error

    def _graph(self, request: Request) -> bytes:
        """Read the graph that was emitted for this plan, file and request, or emit it."""
        path = self.cache / f"{self._key(request)}.onnx"
        if path.is_file():
            return path.read_bytes()
        self._check()
        placed = self.placed
        weights = Weights(self._plan, placed.spots, placed.rounded)
        graph = emit.emit(self._plan, weights, request)
        try:
            write_bytes(path, graph)
        except OSError as error:
            log.info("The graph is not kept, %s cannot be written: %s", path.parent, error)
        return graph

    def _key(self, request: Request) -> str:
        plan, placed = self._plan, self.placed
        spots = sorted((name, spot.location, spot.offset) for name, spot in placed.spots.items())
        wanted = (sorted(request.inputs), request.part, request.cache, request.states,
                  request.attentions, request.buffered)  # fmt: skip
        told = (emit.VERSION, proto.OPSETS, plan.spec, plan.head, plan.config.num_labels,
                _tokens(plan), wanted, placed.identity, str(placed.folder), spots,
                sorted(placed.rounded.items()))  # fmt: skip
        return hashlib.sha256(repr(told).encode()).hexdigest()


def _tokens(plan: Plan) -> Mapping[str, Any]:
    """Token numbers that a head looks for."""
    return {name: plan.config.get(name) for name in ("pad_token_id", "eos_token_id")}


def _in_words(error: Exception, what: str) -> InvalidInput:
    reason = str(error).partition("Status Message: ")[2] or str(error)
    return InvalidInput(
        f"ONNX Runtime could not {what}: {reason.strip().splitlines()[0][:400]}",
        hint="Compare the shapes of the inputs; if they are right, load with engine='torch' and "
        "report both results.",
    )


def default_cache() -> Path:
    """Folder for graphs and converted weights: `reprise/onnx` below `$XDG_CACHE_HOME`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "reprise" / "onnx"
