"""Which token table a model reads and answers with."""

from reprise.models.plan import Plan


def token_table(plan: Plan) -> str:
    """Canonical name of the token table that a tied head answers with."""
    names = ("shared.weight", "decoder.embed.tokens.weight", "embed.tokens.weight")
    return next(name for name in names if name in plan.shapes)


def shared_table(plan: Plan, prefix: str) -> str:
    """Canonical name of the token table that one tower reads."""
    return "shared.weight" if "shared.weight" in plan.shapes else f"{prefix}embed.tokens.weight"
