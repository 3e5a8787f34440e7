"""Generation: one loop for both engines.

An engine gives a `Runner` (`seam.py`); everything else here is its own: rows with their own
positions and lengths (`steps.py`), rules on scores (`rules.py`, `narrowing.py`), a sampler that
counts instead of drawing (`sampling.py`), beams, speculation, stopping, streaming. A row never
learns from the others of its batch, so a batch gives what single calls give.
"""
