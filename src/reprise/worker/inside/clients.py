"""What clients say they are, where generations of one client read different answers."""

import re

_HUGGINGFACE_HUB = re.compile(r"\bhf_hub/(\d{1,4})\.")
_PAIRS_SINCE = 1  # huggingface_hub 1.0 reads zero-shot-classification as pairs


def reads_columns(client: str) -> bool:
    """Tell whether a client reads zero-shot-classification as one list of labels, one of scores.

    Args:
        client: Its `User-Agent`: `unknown/None; hf_hub/0.36.0; python/3.11.7`.
    """
    found = _HUGGINGFACE_HUB.search(client)
    return found is not None and int(found[1]) < _PAIRS_SINCE
