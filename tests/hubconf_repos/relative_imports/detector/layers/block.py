from . import norm as norm_module


class Block:
    """Uses its neighbour through the package."""

    def __call__(self, x):
        return norm_module.norm(x) if hasattr(norm_module, "norm") else norm_module(x)
