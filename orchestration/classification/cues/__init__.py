"""Words that hint at a stage, one file per language, and which language a conversation is in."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

KINDS = (
    *("courtesy", "identification", "offer", "claim", "failure"),
    *("agreement", "refusal", "complaint", "request", "question"),
)
_FUNCTION_WORDS = "function_words"
# Running text has more function words of its own language than this; texts of a neighbour (Italian) have fewer.
_LEAST_SHARE = 0.15
_LEAST_DIFFERENT_WORDS = 2
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


@dataclass(frozen=True, eq=False)
class Cues:
    """The cues of one language; `patterns` has a regular expression over simplified text for each kind of KINDS."""

    language: str
    function_words: frozenset[str]
    patterns: dict[str, re.Pattern[str]]

    def find(self, kind: str, text: str) -> bool:
        """Whether a cue of this kind stands in a simplified text."""
        return self.patterns[kind].search(text) is not None

    def is_courtesy(self, sentence: str) -> bool:
        """Whether a simplified sentence consists of courtesies alone."""
        return self.patterns["courtesy"].fullmatch(sentence.strip(" .,!?;:-\n\t")) is not None


@cache
def shipped_cues() -> tuple[Cues, ...]:
    """Read the shipped languages. Raises ValueError naming the file when one is not as expected."""
    return tuple(read_cues(path) for path in sorted(Path(__file__).parent.glob("*.yml")))


def hash_of_cues() -> str:
    """Return the sha256 (hex) of the shipped languages as they are written."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.yml")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_cues(path: Path) -> Cues:
    """Read one language, named by its file. Raises ValueError that names the file and the kind that is wrong."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for kind in (_FUNCTION_WORDS, *KINDS):
        values = content.get(kind)
        # YAML reads an unquoted yes, no or on as a truth value.
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ValueError(f"{path}: {kind} must be a list of texts; quote words such as yes, no and on")
    patterns = {kind: re.compile(rf"\b(?:{'|'.join(f'(?:{value})' for value in content[kind])})\b") for kind in KINDS}
    courtesies = "|".join(f"(?:{value})" for value in content["courtesy"])
    patterns["courtesy"] = re.compile(rf"(?:{courtesies})(?:[\s,.!?;:-]+(?:{courtesies}))*")
    return Cues(path.stem, frozenset(content[_FUNCTION_WORDS]), patterns)


def simplified(text: str) -> str:
    """Return the text as cues expect it: lower case, one kind of apostrophe."""
    return text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def detect_language(texts: Iterable[str]) -> Cues | None:
    """Return the cues of the language most of the words belong to, None when no shipped language fits well enough."""
    words = [word for text in texts for word in _WORD.findall(simplified(text))]
    if not words:
        return None
    counts = Counter(words)
    known = {cues: counts.keys() & cues.function_words for cues in shipped_cues()}
    hits = {cues: sum(counts[word] for word in found) for cues, found in known.items()}
    best = max(hits, key=lambda cues: hits[cues])
    if hits[best] < _LEAST_SHARE * len(words) or len(known[best]) < _LEAST_DIFFERENT_WORDS:
        return None
    return best
