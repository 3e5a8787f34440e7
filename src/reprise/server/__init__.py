"""Floor 8: the hub over HTTP."""
