"""Parts of a text, by their first place and the place after the last."""

from collections.abc import Iterable

Span = tuple[int, int]


def merged(found: Iterable[Span]) -> list[Span]:
    """Overlapping parts become one: what belongs to either is taken out."""
    whole: list[Span] = []
    for start, end in sorted(found):
        if whole and start < whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole
