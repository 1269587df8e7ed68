"""E-mail addresses: plain, with a quoted name, and with the signs written as [at] and (dot)."""

import re
from collections.abc import Iterator

from orchestration.redaction.spans import Span

_DOMAIN = r"(?:[\w-]{1,63}+\.){1,8}[\w-]{2,63}+"
_HERE = re.compile(rf"[\w.!#$%'*+^{{|}}~-]++@{_DOMAIN}")
_PLAIN = re.compile(rf"(?<![\w.!#$%'*+^{{|}}~-]){_HERE.pattern}")
_QUOTED = re.compile(rf'"[^"\n]{{1,64}}+"@{_DOMAIN}')
_AT = r"[ ]?[(\[{<][ ]?(?:@|at|a|at sign|arroba|arobase|chez|chiocciola)[ ]?[)\]}>][ ]?"
_DOT = r"(?:\.|[ ]?[(\[{<][ ]?(?:\.|dot|punkt|punto|point|ponto)[ ]?[)\]}>][ ]?)"
_BRACKETED_AT = re.compile(rf"(?i){_AT}")
_SPELLED = re.compile(rf"(?i)(?<![\w.+-])[\w.+-]++{_AT}(?:[\w-]{{1,63}}+{_DOT}){{1,8}}[\w-]{{2,63}}+")


def find_addresses(text: str) -> Iterator[Span]:
    """Yield where addresses stand in a normalised text; spans may overlap."""
    if "@" in text:
        yield from _plain(text)
        yield from (match.span() for match in _QUOTED.finditer(text))
    if _BRACKETED_AT.search(text):
        yield from (match.span() for match in _SPELLED.finditer(text))


def _plain(text: str) -> Iterator[Span]:
    match = _PLAIN.search(text)
    while match:
        yield match.span()
        # What follows an address without a gap may be another one, which begins nowhere else.
        match = _HERE.match(text, match.end()) or _PLAIN.search(text, match.end())
