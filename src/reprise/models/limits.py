"""Numbers that no configuration may exceed."""

from reprise.base.errors import InvalidInput

# Above these a configuration is a mistake or an attack: nothing published comes near.
MAX_LAYERS = 1_000
MAX_WIDTH = 1 << 20
MAX_ROWS = 1 << 28
_ROWS = frozenset({"vocab", "rows", "types"})


def positive(owner: object, **values: int) -> None:
    """Accept whole numbers from 1 to what any model has.

    Raises:
        InvalidInput: One is none; the message names it and its owner's class.
    """
    for name, value in values.items():
        limit = MAX_LAYERS if name == "layers" else MAX_ROWS if name in _ROWS else MAX_WIDTH
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not 1 <= value <= limit:
            raise InvalidInput(
                f"The configuration gives {name} = {value!r} ({type(owner).__name__}); "
                f"it must be a whole number from 1 to {limit:,}."
            )
