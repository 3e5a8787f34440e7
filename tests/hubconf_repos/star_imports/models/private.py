__all__ = []
__all__ += ["gamma"]
__all__.extend(["delta"])


def gamma():
    """Listed by +=."""


def delta():
    """Listed by extend."""


def epsilon():
    """Not listed."""
