"""Bank account numbers (IBAN, ISO 13616): the structure of their country and right check digits."""

import re
from collections.abc import Iterator
from functools import cache

from orchestration.redaction.spans import Span

# The countries of the registry.
_COUNTRIES = [
    "AD",
    "AE",
    "AL",
    "AT",
    "AZ",
    "BA",
    "BE",
    "BG",
    "BH",
    "BI",
    "BR",
    "BY",
    "CH",
    "CR",
    "CY",
    "CZ",
    "DE",
    "DJ",
    "DK",
    "DO",
    "EE",
    "EG",
    "ES",
    "FI",
    "FK",
    "FO",
    "FR",
    "GB",
    "GE",
    "GI",
    "GL",
    "GR",
    "GT",
    "HR",
    "HU",
    "IE",
    "IL",
    "IQ",
    "IS",
    "IT",
    "JO",
    "KW",
    "KZ",
    "LB",
    "LC",
    "LI",
    "LT",
    "LU",
    "LV",
    "LY",
    "MC",
    "MD",
    "ME",
    "MK",
    "MN",
    "MR",
    "MT",
    "MU",
    "NI",
    "NL",
    "NO",
    "OM",
    "PK",
    "PL",
    "PS",
    "PT",
    "QA",
    "RO",
    "RS",
    "RU",
    "SA",
    "SC",
    "SD",
    "SE",
    "SI",
    "SK",
    "SM",
    "SO",
    "ST",
    "SV",
    "TL",
    "TN",
    "TR",
    "UA",
    "VA",
    "VG",
    "XK",
]
_GAP = r"[ .\-\n\r\t]{0,3}+"
_BEGINNING = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}[0-9]{{2}}{_GAP}[A-Za-z0-9]")
_NUMBERS = {
    **{ord(letter): str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
    **{ord(letter): None for letter in " .-\n\r\t"},
}
_LETTERS = {"n": "[0-9]", "a": "[A-Za-z]", "c": "[A-Za-z0-9]"}


def find_ibans(text: str) -> Iterator[Span]:
    """Yield where IBANs stand in a normalised text, in order and without overlap."""
    if _BEGINNING.search(text) is None:
        return
    pattern = _structures()
    match = pattern.search(text)
    while match:
        is_found = is_iban(match[0])
        if is_found:
            yield match.span()
        match = pattern.search(text, match.end() if is_found else match.start() + 4)


def is_iban(written: str) -> bool:
    """Whether what has the structure of an IBAN has its check digits, too: remainder 1 by 97."""
    # Two letters and two digits stand before the account, and come to six digits.
    digits = written.translate(_NUMBERS)
    return int(digits[6:] + digits[:6]) % 97 == 1


@cache
def _structures() -> re.Pattern[str]:
    """Return the structures of all countries as one pattern, which a list of beginnings of IBANs does not fit."""
    # It reads the registry, which only a text with a beginning of an IBAN is worth.
    from stdnum import numdb  # noqa: PLC0415

    registry = numdb.get("iban")
    countries = [_pattern(country, registry.info(country + "0")[0][1]["bban"]) for country in _COUNTRIES]
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(countries)})(?![A-Za-z0-9])")


def _pattern(country: str, structure: str) -> str:
    """Return the pattern of `4!a6!n8!n` (four letters, six digits, eight digits) after country and check digits."""
    parts = re.findall(r"([0-9]+)!([nac])", structure)
    either_case = "".join(f"[{letter}{letter.lower()}]" for letter in country)
    return either_case + "".join(f"(?:{_GAP}{_LETTERS[kind]}){{{count}}}" for count, kind in [("2", "n"), *parts])
