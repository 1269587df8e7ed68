"""IP addresses of both kinds; four numbers after "version" are none."""

import re
from collections.abc import Iterator

from orchestration.redaction.announcements import Announcements
from orchestration.redaction.cues import Cue
from orchestration.redaction.spans import Span

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_DOT = r"(?:\.|[\[({](?:\.|dot)[\])}])"
_V4 = re.compile(rf"(?<![0-9A-Za-z.]){_BYTE}(?:{_DOT}{_BYTE}){{3}}(?!\.?[0-9])")
_V6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:.]{2,45}+(?![0-9A-Za-z:])")
_WHOLE_V6 = re.compile(rf"(?:[0-9A-Fa-f]{{1,4}}:){{1,7}}(?:[0-9A-Fa-f]{{1,4}}|(?P<tail>(?:{_BYTE}\.){{3}}{_BYTE}))")
_SHORT_V6 = re.compile(
    rf"(?P<head>[0-9A-Fa-f]{{1,4}}(?::[0-9A-Fa-f]{{1,4}}){{0,6}})?::"
    rf"(?P<end>(?:[0-9A-Fa-f]{{1,4}}:){{0,6}}(?:[0-9A-Fa-f]{{1,4}}|(?P<tail>(?:{_BYTE}\.){{3}}{_BYTE})))?"
)
_DIGIT = re.compile("[0-9]")
_GROUPS = 8


def find_internet_addresses(text: str, announcements: Announcements) -> Iterator[Span]:
    """Yield where IP addresses stand in a normalised text; spans may overlap."""
    if ":" in text:
        for match in _V6.finditer(text):
            # A full stop or colon that ends the sentence is none of the address.
            address = match[0].rstrip(".")
            if address[-1:] == ":" != address[-2:-1]:
                address = address[:-1]
            if address.count(":") > 1 and is_version_6(address):
                yield match.start(), match.start() + len(address)
    for match in _V4.finditer(text):
        if not announcements.are(Cue.VERSION, match.start()):
            yield match.span()


def is_version_6(text: str) -> bool:
    """Whether a text is an address as RFC 4291 writes them, with two groups at least: `2001::` may be anything."""
    if _DIGIT.search(text) is None:
        return False
    match = _SHORT_V6.fullmatch(text)
    if match is None:
        match = _WHOLE_V6.fullmatch(text)
        return match is not None and text.count(":") + 1 + (match["tail"] is not None) == _GROUPS
    groups = text.count(":") - (match["head"] is None) - (match["end"] is None) + (match["tail"] is not None)
    return 2 <= groups < _GROUPS
