def build(width=1):
    """Build a list."""
    return [0] * width
