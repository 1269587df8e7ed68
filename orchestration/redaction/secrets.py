"""Keys and passwords in running text: by the prefix their issuer gives them, or by the word that stands before them."""

import math
import re
from collections import Counter
from collections.abc import Iterator

Span = tuple[int, int]

_START = r"(?<![A-Za-z0-9_-])"
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^-]*+(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
ISSUED = re.compile(
    _START + r"(?:"
    r"(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}+"
    r"|gh[opsur]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+|glpat-[A-Za-z0-9_-]{16,}+"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}+|xapp-[A-Za-z0-9-]{10,}+"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|AIza[0-9A-Za-z_-]{30,}+|ya29\.[0-9A-Za-z_-]{20,}+"
    r"|hf_[A-Za-z0-9]{20,}+|npm_[A-Za-z0-9]{20,}+|pypi-[A-Za-z0-9_-]{20,}+|dop_v1_[a-f0-9]{20,}+"
    r"|SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+"
    r"|eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{4,}+"
    r")"
)
KEY_WORD = re.compile(
    r"(?i)(?:api|access|secret|private|client|auth|session)[ _-]?(?:key|token|secret)|secret|token|bearer|password"
    r"|passwd|passwort|pwd|passphrase|kennwort|contrase[ñn]a|credentials?"
)
VALUE = re.compile(r"""["']?(?:\s{0,3}[:=]>?\s{0,3}|\s{1,3}(?:is|ist|es)\s{1,3}|\s{1,3})["']?([^\s"',;<>]{8,256})""")
_PLACEHOLDER = re.compile(r"\[[a-z]{2,5}\]")
# A word has about three bits a letter and no digits; what a machine made has more of both.
_LEAST_BITS = 2.5


def find_secrets(text: str) -> Iterator[Span]:
    """Yield where keys and passwords stand, in no order; spans may overlap."""
    if "-----BEGIN " in text:
        yield from (match.span() for match in PRIVATE_KEY.finditer(text))
    yield from (match.span() for match in ISSUED.finditer(text))
    for word in KEY_WORD.finditer(text):
        value = VALUE.match(text, word.end())
        if value is not None and is_random(value[1]):
            yield value.span(1)


def is_random(token: str) -> bool:
    """Whether a token looks made by a machine or a careful person: letters and digits, few of them repeated."""
    token = _PLACEHOLDER.sub("", token)
    if not any(map(str.isdigit, token)) or not any(map(str.isalpha, token)):
        return False
    counts = Counter(token)
    bits = -sum(count / len(token) * math.log2(count / len(token)) for count in counts.values())
    return bits >= _LEAST_BITS
