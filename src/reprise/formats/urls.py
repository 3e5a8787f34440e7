"""Addresses that strangers wrote, before they become links."""

import re
from urllib.parse import urlsplit

_MAX = 500  # characters
_REFUSED = re.compile(r"[\x00-\x20\x7f-\x9f<>\"'`\\^{|}\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def web_url(value: object) -> str:
    """Return an address of the web, or nothing: other schemes can run code or read files.

    Example:
        >>> web_url("https://arxiv.org/abs/1606.05250"), web_url("javascript:alert(1)")
        ('https://arxiv.org/abs/1606.05250', '')
    """
    if not isinstance(value, str) or len(value) > _MAX or _REFUSED.search(value):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in {"http", "https"} and parts.hostname else ""
