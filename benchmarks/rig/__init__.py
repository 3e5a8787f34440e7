"""What the benchmarks share: a hub and its peers as processes, timing, tables."""
