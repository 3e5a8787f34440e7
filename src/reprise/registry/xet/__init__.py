"""Chunk-level storage: xorbs, files rebuilt from them, and what may be deduplicated with whom."""
