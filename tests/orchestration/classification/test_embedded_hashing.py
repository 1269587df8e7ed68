"""Hashing many texts at once gives what hashing letter by letter gives."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from orchestration.classification.embedded.hashing import (
    BUCKET_BITS,
    BUCKETS,
    LETTER_RUNS,
    LONGEST_TEXT_CHARACTERS,
    hash_texts,
)

BASE, SPREAD, KIND = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F
TEXTS = ["is it 7 or 8 pm?", "", "é", "ça va bien !", "done. done. done.", "l'été, voilà", "a\nb", "日本語 text"]


def polynomial(text: str) -> int:
    return sum(ord(letter) * pow(BASE, place, 2**64) for place, letter in enumerate(text)) % 2**64


def expected_buckets(text: str) -> Counter[int]:
    text = re.sub(r"[0-9]", "0", text.replace("\n", " "))
    framed = f"\n{text}\n"
    hashes = [
        polynomial(framed[at : at + length]) + KIND * length
        for length in LETTER_RUNS
        for at in range(len(framed) - length + 1)
    ]
    words = [polynomial(word) for word in re.findall(r"[a-zÀ-῿\u3000-\U0010ffff0']+|[?!]", text)]
    hashes += [word + KIND for word in words]
    hashes += [one * SPREAD + other + KIND * 2 for one, other in pairwise(words)]
    return Counter((value * SPREAD % 2**64) >> (64 - BUCKET_BITS) for value in hashes)


def buckets_of(texts: list[str]) -> list[Counter[int]]:
    hashed = hash_texts(texts)
    return [Counter(hashed.buckets[hashed.starts[i] : hashed.starts[i + 1]].tolist()) for i in range(len(texts))]


@pytest.mark.parametrize("text", TEXTS)
def test_every_stretch_is_hashed_as_letter_by_letter(text: str) -> None:
    assert buckets_of([text]) == [expected_buckets(text)]


def test_company_changes_nothing() -> None:
    assert buckets_of(TEXTS) == [expected_buckets(text) for text in TEXTS]
    assert all(0 <= bucket < BUCKETS for buckets in buckets_of(TEXTS) for bucket in buckets)


def test_digits_are_alike_and_words_are_not() -> None:
    one, other, third = buckets_of(["at 7:15", "at 8:30", "by 7:15"])
    assert one == other != third


def test_nothing_and_very_long_texts() -> None:
    assert len(hash_texts([])) == 0
    long = "x y " * LONGEST_TEXT_CHARACTERS
    assert buckets_of([long]) == buckets_of([long[:LONGEST_TEXT_CHARACTERS]])


def test_chosen_texts_keep_their_buckets() -> None:
    texts = ["yes please", "", "maybe later", "no"]
    taken = hash_texts(texts).take(np.array([2, 1, 0]))
    alone = hash_texts([texts[2], texts[1], texts[0]])
    assert taken.starts.tolist() == alone.starts.tolist()
    for at in range(3):
        ours, theirs = (found.buckets[found.starts[at] : found.starts[at + 1]] for found in (taken, alone))
        assert ours.tolist() == theirs.tolist()
