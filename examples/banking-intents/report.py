"""Say in text and in a picture where the classifier is right and where it errs."""

from collections import Counter
from collections.abc import Sequence
from html import escape

_ROW = 14
_BAR = 130
_NAME = 300
_COLUMN = _NAME + _BAR + 50


def summary(gold: Sequence[str], predicted: Sequence[str]) -> str:
    """Return the accuracy, the weakest intents and the most frequent confusions."""
    pairs = list(zip(gold, predicted, strict=True))
    right = sum(a == b for a, b in pairs)
    lines = [f"test accuracy {right / len(pairs):.4f} ({right:,} of {len(pairs):,})"]
    lines.append("weakest intents:")
    lines += [f"  {share:6.1%}  {label}" for label, share in _by_intent(pairs)[-5:]]
    lines.append("most frequent confusions:")
    wrong = Counter((a, b) for a, b in pairs if a != b)
    ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    lines += [f"  {count:6}  {a} -> {b}" for (a, b), count in ranked[:8]]
    return "\n".join(lines)


def accuracy_svg(gold: Sequence[str], predicted: Sequence[str]) -> str:
    """Draw one bar per intent, best first, in two columns."""
    ranked = _by_intent(list(zip(gold, predicted, strict=True)))
    rows = (len(ranked) + 1) // 2
    width, height = 2 * _COLUMN, rows * _ROW + 10
    bars = [
        _bar(label, share, x=_COLUMN * (i // rows), y=5 + _ROW * (i % rows))
        for i, (label, share) in enumerate(ranked)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10">'
    )
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([head, "<title>Accuracy per intent</title>", ground, *bars, "</svg>", ""])


def _by_intent(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, float]]:
    """Return the share of right answers for each intent, best first."""
    total = Counter(gold for gold, _ in pairs)
    right = Counter(gold for gold, predicted in pairs if gold == predicted)
    shares = [(label, right[label] / count) for label, count in total.items()]
    return sorted(shares, key=lambda item: (-item[1], item[0]))


def _bar(label: str, share: float, *, x: int, y: int) -> str:
    """Draw a name, a bar and a percentage."""
    left, middle = x + _NAME, y + 10
    return (
        f'<text x="{left - 6}" y="{middle}" text-anchor="end" fill="#333">{escape(label)}</text>'
        f'<rect x="{left}" y="{y + 2}" width="{share * _BAR:.1f}" height="{_ROW - 4}" '
        f'fill="#3b6fb6"/>'
        f'<text x="{left + share * _BAR + 4:.1f}" y="{middle}" fill="#333">{share:.0%}</text>'
    )
