def polish(items):
    """Turn a list into a tuple."""
    return tuple(items)
