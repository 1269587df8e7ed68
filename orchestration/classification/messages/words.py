"""Cuts texts into clauses and words, the same way for phrases and for what customers write."""

import re
from collections.abc import Collection

from orchestration.classification.cues import simplified

# Every negator stands for all of them: "cannot", "does not" and "won't" deny alike.
NEGATION = "\N{NOT SIGN}"
_NEGATORS = frozenset(
    {
        *("not", "no", "never", "cannot", "nothing", "nobody", "none", "without"),
        *("nicht", "kein", "keine", "keinen", "keiner", "keinem", "nie", "niemand", "nichts", "ohne"),
        *("nunca", "nada", "nadie", "ningún", "ninguno", "ninguna", "sin"),
        *("pas", "jamais", "rien", "personne", "aucun", "aucune", "sans"),
        *("não", "ninguém", "nenhum", "nenhuma", "sem"),
    }
)
_CLAUSE = re.compile(r"[^.,;:!?…\n()]+")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_JOINT = re.compile(r"['-]")


def clauses(text: str) -> list[list[str]]:
    """Return the words of each clause of a text, lower case, apostrophes and hyphens resolved, negators as NEGATION."""
    return [words for clause in _CLAUSE.findall(simplified(text)) if (words := _words(clause))]


def content_words(phrase: str, function_words: Collection[str]) -> list[str]:
    """Return the words of a phrase that carry meaning of their own; a negation alone does not."""
    return [word for words in clauses(phrase) for word in words if word not in function_words and word != NEGATION]


def _words(clause: str) -> list[str]:
    return [word for token in _WORD.findall(clause) for word in _parts(token)]


def _parts(token: str) -> list[str]:
    if token in _NEGATORS or token.endswith("n't"):
        return [NEGATION]
    # "j'arrive" is two words, "e-mail" is mail; a rest of one letter carries no meaning.
    return [NEGATION if part in _NEGATORS else part for part in _JOINT.split(token) if len(part) > 1]
