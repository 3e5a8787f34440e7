from .registry import ENTRY_POINTS, VGG


@VGG.register("vgg")
def _vgg(depth=16):
    """A plain stack."""
    return ("vgg", depth)


@VGG.register()
def vgg_bn(depth=16):
    """With normalization."""
    return ("vgg_bn", depth)


ENTRY_POINTS.update(VGG._items)
__all__ = []
