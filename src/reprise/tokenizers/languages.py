"""Translation models that are told the language by a token beside the text."""

from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.family import Family
from reprise.tokenizers.templates import Ids, around


def language_template(family: Family, code: str, end: str, ids: Ids) -> dict[str, Any]:
    """Return the template for a language.

    Args:
        family: Whose place for the code holds: before the text, or after its end.
        code: `en_XX`.
        end: The token that ends a text.
        ids: Finds ids of tokens.

    Raises:
        InvalidInput: The family does not know the language.
    """
    if code not in family.languages:
        known = ", ".join(family.languages)
        raise InvalidInput(f"Unknown language {code!r:.40}; known are {known}.")
    if family.rules.get("code") == "first":
        return around((code,), (end,), ids)
    return around((), (end, code), ids)
