"""How common a word is in the texts of people and agents, counted over the shipped training texts of all languages."""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from orchestration.classification.rephrases.terms import terms_of
from orchestration.classification.training.grammar import TEXTS

SHIPPED = Path(__file__).parent / "frequencies.json"
# A word of one text alone weighs as one of none.
_LEAST_TEXTS = 2
_LEAST_WORDS = 3
# What stands before a line of a conversation, and slots: marks of the notation, not words.
_NOTATION = re.compile(r"^\s*[cat] [a-z_= ]+: |\{\w+\}")


@dataclass(frozen=True)
class Frequencies:
    """Of `texts` texts, how many hold a term; of terms that are not listed one does at most."""

    texts: int
    of: Mapping[str, int]

    def weight(self, term: str) -> float:
        """Return the inverse document frequency: 1 + ln((texts + 1) / (texts with the term + 1))."""
        return 1 + math.log((self.texts + 1) / (self.of.get(term, 1) + 1))


@cache
def shipped_frequencies() -> Frequencies:
    """Read what ships. Raises OSError, ValueError and KeyError when it is damaged."""
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return Frequencies(content["texts"], content["of"])


def hash_of_frequencies() -> str:
    """Return the sha256 (hex) of what ships."""
    return hashlib.sha256(SHIPPED.read_bytes()).hexdigest()


def count_frequencies(folder: Path = TEXTS) -> Frequencies:
    """Count over every line of the training texts that has three words or more."""
    counts, texts = Counter[str](), 0
    for path in sorted(folder.glob("*/*.yml")):
        for line in _lines(yaml.safe_load(path.read_text(encoding="utf-8"))):
            text = _NOTATION.sub(" ", line)
            if len(text.split()) >= _LEAST_WORDS:
                texts += 1
                counts.update(terms_of(text))
    return Frequencies(texts, {term: count for term, count in sorted(counts.items()) if count >= _LEAST_TEXTS})


def write_frequencies(frequencies: Frequencies, path: Path = SHIPPED) -> None:
    """Write them where they ship from."""
    content = {"texts": frequencies.texts, "of": dict(frequencies.of)}
    path.write_text(json.dumps(content, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def _lines(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield from content.splitlines()
    elif isinstance(content, dict):
        for value in content.values():
            yield from _lines(value)
    elif isinstance(content, list):
        for value in content:
            yield from _lines(value)
