"""All entry points come out of a registry."""

dependencies = []

import zoo
from zoo.registry import ENTRY_POINTS

globals().update(zoo.registry.ENTRY_POINTS)
