from .layers.norm import norm as default_norm


def build(norm=default_norm, *, depth: int = 1):
    """Build a detector."""
    from . import version

    return norm(depth), version.VERSION
