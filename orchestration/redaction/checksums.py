"""Numbers that prove themselves: payment cards by Luhn's digit, IBANs by their check digits."""

from collections.abc import Iterator

# Brands by first digits and lengths, ISO/IEC 7812: without them one order number in ten would pass for a card.
_BRANDS: tuple[tuple[int, int, range], ...] = (
    (4, 4, range(13, 20)),
    (34, 34, range(15, 16)),
    (37, 37, range(15, 16)),
    (300, 305, range(14, 20)),
    (36, 36, range(14, 20)),
    (38, 39, range(14, 20)),
    (2221, 2720, range(16, 17)),
    (50, 59, range(13, 20)),
    (60, 69, range(13, 20)),
    (3528, 3589, range(16, 20)),
    (81, 82, range(16, 17)),
)
CARD_DIGITS = range(13, 20)
_FIRST_DIGITS = frozenset(str(first)[0] for first, _, _ in _BRANDS)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# Letters of a whole IBAN by country, from the registry of ISO 13616.
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 "
    "LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 "
    "QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _LENGTHS.split()}


def is_card_shaped(digits: str) -> bool:
    """Whether a brand of payment cards has numbers that begin like this and are as long; no checksum yet."""
    for first, last, lengths in _BRANDS:
        if len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last:
            return True
    return False


def card_windows(digits: str, starts: list[int], ends: list[int]) -> Iterator[tuple[int, int]]:
    """Yield each part [start, end) of a run of digits that is a payment card; it starts and ends between groups.

    Sums are taken once for the whole run, so that a window costs the same however many overlap it.
    """
    plain_at_even, plain_at_odd = [0], [0]
    for place, digit in enumerate(map(int, digits)):
        even, odd = (digit, _DOUBLED[digit]) if place % 2 == 0 else (_DOUBLED[digit], digit)
        plain_at_even.append(plain_at_even[-1] + even)
        plain_at_odd.append(plain_at_odd[-1] + odd)
    closing = set(ends)
    for start in starts:
        if digits[start] not in _FIRST_DIGITS:
            continue
        for end in range(start + CARD_DIGITS.start, min(start + CARD_DIGITS.stop, len(digits) + 1)):
            if end in closing:
                # The last digit of a card counts plain, the one before it doubled, and so on.
                sums = plain_at_even if (end - 1) % 2 == 0 else plain_at_odd
                if (sums[end] - sums[start]) % 10 == 0 and is_card_shaped(digits[start:end]):
                    yield start, end


def is_iban(compact: str) -> bool:
    """Whether letters and digits without blanks are an IBAN: length of its country, remainder 1 by 97."""
    upper = compact.upper()
    if len(upper) != IBAN_LENGTHS.get(upper[:2]):
        return False
    return int("".join(str(int(letter, 36)) for letter in upper[4:] + upper[:4])) % 97 == 1
