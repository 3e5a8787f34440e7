from .registry import deprecate, register

__all__ = ["ResNet"]


class ResNet:
    """The class behind them."""


@register
def resnet18(pretrained=False, **kwargs) -> ResNet:
    """18 layers."""
    return ("resnet18", pretrained, kwargs)


@register
def resnet50(pretrained=False, **kwargs) -> ResNet:
    """50 layers."""
    return ("resnet50", pretrained, kwargs)


deprecate(__name__, {"res18": "resnet18"})
