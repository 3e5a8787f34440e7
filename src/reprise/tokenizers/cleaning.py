"""Spaces that splitting into tokens left before punctuation."""

# In this order, as the field's tokenizers have always done it.
_JOINED = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"),
    (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip


def clean_up_spaces(text: str) -> str:
    """Remove the space before English punctuation and contractions."""
    for apart, joined in _JOINED:
        text = text.replace(apart, joined)
    return text
