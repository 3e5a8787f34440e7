"""llama.cpp by its own functions: several rows in one batch, the best token each time."""

import os
from pathlib import Path
from typing import Any

import numpy as np

Rows = list[list[int]]
_WHOLE = 256  # a context is a multiple of it


class Llama:
    """A model of llama.cpp.

    Args:
        path: A GGUF file.
        threads: How many to compute with.
    """

    def __init__(self, path: Path, threads: int) -> None:
        import llama_cpp

        self._c, self._threads = llama_cpp, threads
        self._quiet = llama_cpp.llama_log_callback(lambda *_: None)  # called for as long as it runs
        llama_cpp.llama_log_set(self._quiet, None)
        llama_cpp.llama_backend_init()
        how = llama_cpp.llama_model_default_params()
        how.use_extra_bufts = "BENCH_PLAIN" not in os.environ  # with AMX they may crash
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), how)
        vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(vocab)
        self._contexts: dict[tuple[int, int], Any] = {}

    def write(self, rows: Rows, new: int) -> Rows:
        """Write so many tokens behind each row."""
        context = self._context(len(rows), len(rows[0]) + new)
        self._c.llama_memory_clear(self._c.llama_get_memory(context), True)
        found: Rows = [[] for _ in rows]
        columns, start = rows, 0
        for _ in range(new):
            tokens = self._step(context, columns, start)
            start += len(columns[0])
            for row, token in zip(found, tokens, strict=True):
                row.append(token)
            columns = [[token] for token in tokens]
        return found

    def _context(self, rows: int, length: int) -> Any:
        if (rows, length) not in self._contexts:
            options = self._c.llama_context_default_params()
            options.n_ctx, options.n_seq_max = rows * (-(-length // _WHOLE) * _WHOLE), rows
            options.n_threads = options.n_threads_batch = self._threads
            made = self._c.llama_init_from_model(self._model, options)
            self._contexts[rows, length] = made
        return self._contexts[rows, length]

    def _step(self, context: Any, columns: Rows, start: int) -> list[int]:
        """Feed columns [row][token]; give each row's next token."""
        c, count = self._c, sum(map(len, columns))
        batch, place, last = c.llama_batch_init(count, 0, 1), 0, []
        for row, tokens in enumerate(columns):
            for number, token in enumerate(tokens):
                batch.token[place], batch.pos[place] = token, start + number
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, row
                batch.logits[place] = number == len(tokens) - 1
                place += 1
            last.append(place - 1)
        batch.n_tokens = count
        failed = c.llama_decode(context, batch)
        c.llama_batch_free(batch)
        if failed:
            raise RuntimeError("llama_decode failed")
        shape = (self._vocabulary,)
        found = (np.ctypeslib.as_array(c.llama_get_logits_ith(context, n), shape) for n in last)
        return [int(scores.argmax()) for scores in found]
