"""Keys and passwords in running text: by the prefix their issuer gives them, or by the word that stands before them."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from orchestration.redaction.cues import Cue, Hit
from orchestration.redaction.issued_keys import IssuedKey
from orchestration.redaction.spans import Span

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# Header lines (DEK-Info: AES-256-CBC,...) and lines of base64; line breaks may be written as in JSON.
_CUT_OFF_BODY = re.compile(r"(?:[A-Za-z-]{1,20}+: [^\n\\]{0,200}+|[A-Za-z0-9+/=\s\\]++)*+")
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{4,}+")
_TELEGRAM = re.compile(r"(?<![0-9A-Za-z])[0-9]{8,10}+:A[A-Za-z0-9_-]{33,34}+")
_USER_AT_HOST = re.compile(r"://([^\s/:@\"'<>]*+:[^\s/@\"'<>]++)@")
_BARE_USER_AT_HOST = re.compile(r"(?<![\w.@-])[\w.-]++:([^\s:@/\"'<>,;]{4,128}+)@[\w-]")

_VALUE = r"""(?:["'“„«`]([^"'“”„«»`\n]{3,128})["'“”»`]|([^\s"'“”„«»`,;<>]{4,512}+))"""
_ASSIGNED = re.compile(rf"""["'`)\]]?[ ]?\s{{0,2}}(?::=|=>|->|→|[:=])\s{{0,3}}{_VALUE}""")
_SAID = re.compile(rf"[ ]{{1,3}}(?:is|was|ist|war|lautet|es|est|e|era|sera)[ ]?:?\s{{1,3}}{_VALUE}")
_FOLLOWING = re.compile(rf"\s{{1,3}}{_VALUE}")
_OF_SOMETHING = re.compile(rf"(?:[ ][\w@.+-]{{1,40}}+){{1,4}}(?:[ ]?[:=][ ]|[ ](?:is|ist|lautet|es|est|e)[ ]){_VALUE}")
_SCHEME = r"(?:basic|bearer|token|digest|negotiate|apikey|bot)"
_CREDENTIALS = re.compile(
    rf"""(?i)["']?\s{{0,2}}[:=]\s{{0,2}}["']?(?:{_SCHEME}\s{{1,3}})?(?!{_SCHEME}\b)([\w.~+/=|-]{{6,1024}}+)"""
)
_BEARER = re.compile(r"[ ]{1,3}([\w.~+/=-]{8,1024}+)")
# What stands after "password:" and is none.
_NO_PASSWORDS = frozenset(
    [
        "none",
        "null",
        "true",
        "false",
        "required",
        "optional",
        "forgotten",
        "forgot",
        "wrong",
        "invalid",
        "incorrect",
        "expired",
        "reset",
        "change",
        "hidden",
        "secret",
        "must",
        "should",
        "your",
        "please",
        "vergessen",
        "falsch",
        "erforderlich",
        "ungultig",
        "geandert",
        "abgelaufen",
        "siehe",
        "bitte",
        "oublie",
        "incorrect",
        "invalide",
        "requis",
        "expire",
        "olvidada",
        "incorrecta",
        "requerida",
        "esqueci",
        "esquecida",
        "incorreta",
        "obrigatoria",
        "dimenticata",
        "sbagliata",
        "errata",
        "richiesta",
        "n/a",
        "undefined",
        "string",
    ]
)
# A word has about three bits a letter and no digits; what a machine made has more of both.
_LEAST_BITS = 2.5
_LEAST_RANDOM = 8
_LEAST_ALONE = 16
_LEAST_LETTERS = 20
_JUDGED = 64


def find_secrets(text: str, hits: Sequence[Hit]) -> Iterator[Span]:
    """Yield where keys and passwords stand, in no order; spans may overlap. `hits` are the cues of the same text."""
    if "-----BEGIN " in text:
        yield from _private_keys(text)
    if "eyJ" in text:
        yield from (match.span() for match in _TOKEN.finditer(text))
    if ":A" in text:
        yield from (match.span() for match in _TELEGRAM.finditer(text))
    if "@" in text and ":" in text:
        yield from (match.span(1) for match in _USER_AT_HOST.finditer(text))
        yield from (match.span(1) for match in _BARE_USER_AT_HOST.finditer(text) if is_random(match[1]))
    yield from _announced(text, hits)


def is_random(token: str) -> bool:
    """Whether a token looks made by a machine or a careful person: letters and digits, few of them repeated."""
    token = token[:_JUDGED]
    if not any(map(str.isdigit, token)) or not any(map(str.isalpha, token)):
        return False
    return _bits(token) >= _LEAST_BITS


def _private_keys(text: str) -> Iterator[Span]:
    """Yield each key from its first line to its last; without one, what looks like a part of it: better too much."""
    begins = list(_BEGIN.finditer(text))
    ends = [match.end() for match in _END.finditer(text)]
    at = 0
    for number, begin in enumerate(begins):
        following = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        while at < len(ends) and ends[at] <= begin.end():
            at += 1
        if at < len(ends) and ends[at] <= following:
            yield begin.start(), ends[at]
        else:
            body = _CUT_OFF_BODY.match(text, begin.end(), following)
            yield begin.start(), begin.start() + len(text[begin.start() : body.end() if body else begin.end()].rstrip())


def _announced(text: str, hits: Sequence[Hit]) -> Iterator[Span]:
    # What was looked at once is not looked at again from a word inside of it: the work grows with the text alone.
    done = 0
    for hit in hits:
        if hit.start < done:
            continue
        if isinstance(hit.what, IssuedKey):
            end = hit.what.end(text, hit.start)
            found: Span | None = (hit.start, end) if end is not None else None
            looked_at = end or 0
        else:
            found, looked_at = _value_after(text, hit)
        if found is not None:
            yield found
        done = max(done, looked_at)


def _value_after(text: str, hit: Hit) -> tuple[Span | None, int]:
    """Return where the value that a word announces stands, None when there is none; and to where the text was read."""
    if hit.what is Cue.AUTHORIZATION:
        match = _CREDENTIALS.match(text, hit.end)
        return (match.span(1), match.end()) if match else (None, 0)
    if hit.what is Cue.BEARER:
        match = _BEARER.match(text, hit.end)
        is_key = match is not None and (len(match[1]) >= _LEAST_LETTERS or is_random(match[1]))
        return (match.span(1) if match and is_key else None), (match.end() if match else 0)
    if hit.what not in {Cue.PASSWORD, Cue.SECRET}:
        return None, 0
    for pattern, is_value in _FORMS[Cue.PASSWORD if hit.what is Cue.PASSWORD else Cue.SECRET]:
        match = pattern.match(text, hit.end)
        if match is None:
            continue
        start, end = match.span(1) if match[1] is not None else match.span(2)
        if match[1] is None:
            # The end of a sentence is none of the value.
            end = start + len(text[start:end].rstrip(".?)]}"))
        if is_value(text[start:end], match[1] is not None):
            return (start, end), match.end()
        return None, match.end() if pattern is _ASSIGNED else 0
    return None, 0


def _is_password(value: str, is_quoted: bool) -> bool:
    return len(value) >= 4 and value.lower() not in _NO_PASSWORDS


def _looks_like_password(value: str, is_quoted: bool) -> bool:
    if len(value) < 4:
        return False
    return is_quoted or (any(map(str.isdigit, value)) and any(map(str.isalpha, value)))


def _looks_like_key(value: str, is_quoted: bool) -> bool:
    return (len(value) >= _LEAST_RANDOM and is_random(value)) or (
        len(value) >= _LEAST_LETTERS and " " not in value and _bits(value[:_JUDGED]) > 3.5
    )


def _looks_like_key_alone(value: str, is_quoted: bool) -> bool:
    return len(value) >= _LEAST_ALONE and is_random(value)


_FORMS = {
    Cue.PASSWORD: (
        (_ASSIGNED, _is_password),
        (_SAID, _looks_like_password),
        (_OF_SOMETHING, _looks_like_password),
        (_FOLLOWING, _looks_like_password),
    ),
    Cue.SECRET: (
        (_ASSIGNED, _looks_like_key),
        (_SAID, _looks_like_key),
        (_OF_SOMETHING, _looks_like_key),
        (_FOLLOWING, _looks_like_key_alone),
    ),
}


def _bits(token: str) -> float:
    counts = Counter(token)
    return -sum(count / len(token) * math.log2(count / len(token)) for count in counts.values())
