"""Weights from everywhere, verified or not."""

import urllib.request

dependencies = ["torch"]

_BASE = "https://example.org/releases/v1/"
_URLS = {
    "small": _BASE + "small-5c106cde.pth",
    "large": f"{_BASE}large.pth",
}
HOMEPAGE = "https://example.org/"


def checked(pretrained=True):
    """Verified by torch.hub."""
    from verified import fetch

    return fetch() if pretrained else {}


def unchecked(arch="small", pretrained=True):
    """The name holds a hash that nobody looks at."""
    from torch.hub import load_state_dict_from_url

    return load_state_dict_from_url(_URLS[arch]) if pretrained else {}


def plain(pretrained=True):
    """No hash, no ending, another library."""
    address = "https://example.org/download/model-2019"
    if pretrained:
        urllib.request.urlretrieve(address, "model-2019")
    return {}


def computed(version, pretrained=False):
    """Nobody can know this address before it is used."""
    from torch.hub import load_state_dict_from_url

    url = _BASE + f"{version}/weights.pth"
    return load_state_dict_from_url(url) if pretrained else {}
