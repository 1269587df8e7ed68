"""What the words before a number say of it."""

import re
from bisect import bisect_right
from collections.abc import Sequence

from orchestration.redaction.cues import Cue, Hit

# So many letters before a number are looked at.
_REACH = 32
_OTHER_THINGS = re.compile(r"[^0-9+\[\]]*+")
_CONNECTING = re.compile(
    r"(?i)(?:[\s:#.,=()'°ºª-]|\b(?:number|numero|nummer|nums?|no|nr|n|code|is|was|ist|war|lautet|es|est|e|de|do|da|del|di|"
    r"du|of|the|la|le|el|o|my|mein|meine|mi|mon|minha|meu|of|from|to|was|and|und|y|et)\b)*+"
)


class Announcements:
    """The cues of one normalised text, asked about places in it."""

    def __init__(self, text: str, hits: Sequence[Hit]) -> None:
        self._text = text
        self._hits = sorted((hit for hit in hits if isinstance(hit.what, Cue)), key=lambda hit: hit.end)
        self._ends = [hit.end for hit in self._hits]

    def are(self, cue: Cue, at: int) -> bool:
        """Whether a word of this cue belongs to what stands at this place: only connecting words are between."""
        return any(hit.what is cue and self._fits(_CONNECTING, hit.end, at) for hit in self._before(at))

    def of_phone(self, at: int) -> Cue | None:
        """Return what the words before a place announce: a telephone number, another number, some number, or None."""
        near = self._before(at)
        if not near:
            return None
        if any(hit.what is Cue.OTHER_NUMBER and self._fits(_CONNECTING, hit.end, at) for hit in near):
            return Cue.OTHER_NUMBER
        for cue in (Cue.PHONE, Cue.NUMBER):
            if any(hit.what is cue and self._fits(_OTHER_THINGS, hit.end, at) for hit in near):
                return cue
        return None

    def _before(self, at: int) -> list[Hit]:
        last = bisect_right(self._ends, at)
        first = bisect_right(self._ends, at - _REACH - 1, hi=last)
        return self._hits[first:last]

    def _fits(self, between: re.Pattern[str], end: int, at: int) -> bool:
        return between.fullmatch(self._text, end, at) is not None
