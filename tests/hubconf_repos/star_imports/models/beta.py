from .alpha import *


def beta(x=0):
    """Without __all__."""
    return x


def _hidden():
    pass
