"""Models: an architecture described once, run by two engines."""
