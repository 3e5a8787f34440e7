"""Three opinions about one default: the documentation's, the entry point's, the builder's."""

dependencies = []

DEFAULT_CLASSES = 80
FETCHED = []


def _build(name, pretrained=True, classes=1000, verbose=None):
    # Fetches although `pretrained` is False: the backbone's weights do not ask.
    FETCHED.append(f"{name}-backbone")
    if pretrained:
        FETCHED.append(name)
    return {"name": name, "classes": classes, "fetched": list(FETCHED)}


def small(pretrained=False, classes=DEFAULT_CLASSES, verbose=True):
    """Small model.

    pretrained (bool): load weights, default True
    classes (int): number of classes, default 1000
    """
    return _build("small", pretrained=pretrained, classes=classes)


def large(pretrained=True, **kwargs):
    """Large model. pretrained (bool, default False)."""
    return _build("large", pretrained, **kwargs)


def swallowed(source="camera", force_reload=False):
    """Parameters named like those of torch.hub.load, which never arrive through it."""
    return source, force_reload
