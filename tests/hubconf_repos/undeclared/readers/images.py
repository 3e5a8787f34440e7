import json
import sys

if sys.platform == "plan9":
    import plan9_images


def read():
    """Read nothing."""
    return json.loads("[]")
