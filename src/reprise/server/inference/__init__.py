"""Running models for callers: a bounded line, workers that fetch jobs, answers piped through."""
