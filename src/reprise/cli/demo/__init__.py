"""`reprise demo`: a hub with examples in it, used and checked from every side."""

from reprise.cli.demo.command import demo

__all__ = ["demo"]
