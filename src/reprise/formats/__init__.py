"""Floor 1: wire and file formats, as pure functions from bytes to values and back."""
