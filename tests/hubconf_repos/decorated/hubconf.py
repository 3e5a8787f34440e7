"""Entry points behind decorators."""

import functools

dependencies = []


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


def bare(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def with_weights(urls, default="in1k"):
    def decorator(function):
        def build(pretrained=False, checkpoint=default, **kwargs):
            return function(checkpoint=checkpoint if pretrained else None, **kwargs)

        build.urls = urls
        return build

    return decorator


class Retry:
    def __init__(self, times):
        self.times = times

    def __call__(self, function):
        @functools.wraps(function)
        def again(*args, **kwargs):
            for _ in range(self.times):
                result = function(*args, **kwargs)
            return result

        return again


@counted
def kept(pretrained: bool = False, **kwargs) -> dict:
    """Keeps its signature and its text."""
    return {"kept": pretrained, **kwargs}


@bare
def hidden(classes=10, *, dropout=0.1):
    """Loses both when it runs."""
    return {"classes": classes, "dropout": dropout}


@with_weights({"in1k": "https://example.org/weights/net-0123abcd.pth"})
def configured(checkpoint=None, width=8):
    """Gets another signature."""
    return {"checkpoint": checkpoint, "width": width}


@Retry(times=2)
@counted
def stacked(x, y=1):
    """Two layers."""
    return x + y
