"""Small pictures of two words and a colour, for other people's pages."""

from html import escape

from starlette.responses import Response

GOOD, BAD, WARN, GREY = "#1a7f37", "#cf222e", "#9a6700", "#57606a"
_LEFT = "#24292f"
_CHAR = 6.1  # pixels of an average character of Verdana at 11 pixels
_PADDING = 12
_MAX_TEXT = 120
# A picture runs nothing, even when it is opened as a page of its own.
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


def badge(left: str, right: str, colour: str) -> Response:
    """Answer with a badge."""
    return Response(svg(left, right, colour), media_type="image/svg+xml", headers=_HEADERS)


def svg(left: str, right: str, colour: str) -> str:
    """Draw a badge.

    Args:
        left: What it is about.
        right: What is said of it.
        colour: Behind the right part.
    """
    left, right = left[:_MAX_TEXT], right[:_MAX_TEXT]
    first, second = (round(len(text) * _CHAR) + _PADDING for text in (left, right))
    title = escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="20" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{first + second}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{first}" height="20" fill="{_LEFT}"/>'
        f'<rect x="{first}" width="{second}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="6" y="14" textLength="{first - _PADDING}">{escape(left)}</text>'
        f'<text x="{first + 6}" y="14" textLength="{second - _PADDING}">{escape(right)}</text>'
        "</g></svg>"
    )
