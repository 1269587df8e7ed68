"""The phrases of one language and how a sentence is drawn from them."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEXTS = Path(__file__).parent / "texts"
# Files of whole conversations begin like this; the others hold phrases and domains.
CONVERSATIONS = "conversations"
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ONSETS = ("b", "br", "d", "f", "gr", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
_CODE_SIGNS = "ABCDEFGHKLMNPRSTUVWXZ0123456789"
# Slots that are drawn from a list of another name.
_LISTS = {
    **{"thing": "things", "day": "days", "date": "days", "person": "people", "title": "titles", "do_bare": "deeds"},
}
_CODAS = ("", "l", "n", "r", "s", "t", "nd", "ck")


@dataclass(frozen=True)
class Grammar:
    """Phrases by side and kind, and the domains; see texts/en/phrases.yml for the notation."""

    language: str
    agent: Mapping[str, tuple[str, ...]]
    customer: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, tuple[str, ...]]
    transactions: tuple[Mapping[str, Any], ...]
    faults: tuple[Mapping[str, Any], ...]
    questions: tuple[tuple[str, str], ...]


@cache
def read_grammar(name: str) -> Grammar:
    """Read all of texts/<name>/ but whole conversations; `name` starts with the language: `en`, `en_heldout`.

    `en+en_services` is both folders together. A kind, a list or the domains may be spread over several files.
    """
    sides: dict[str, dict[str, tuple[str, ...]]] = {"agent": {}, "customer": {}}
    lists: dict[str, tuple[str, ...]] = {}
    domains: dict[str, list[dict[str, Any]]] = {"transactions": [], "faults": []}
    for path in (path for folder in name.split("+") for path in sorted((TEXTS / folder).glob("*.yml"))):
        if path.stem.startswith(CONVERSATIONS):
            continue
        for key, found in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            if key in sides:
                for kind, text in found.items():
                    sides[key][kind] = (*sides[key].get(kind, ()), *_lines(text))
            elif key in domains:
                domains[key] += [_domain(domain) for domain in found]
            else:
                lists[key] = (*lists.get(key, ()), *_lines(found))
    questions = tuple((line.split(" | ")[0], line.split(" | ")[1]) for line in lists.pop("questions"))
    return Grammar(
        *(name, sides["agent"], sides["customer"], lists),
        *(tuple(domains["transactions"]), tuple(domains["faults"]), questions),
    )


def _domain(domain: Mapping[str, str]) -> dict[str, Any]:
    return {kind: text if kind in {"search", "write", "tool"} else _lines(text) for kind, text in domain.items()}


def _lines(text: str) -> tuple[str, ...]:
    separator = "\n" if "\n" in text else ", "
    return tuple(line.strip() for line in text.split(separator) if line.strip())


class Speaker:
    """Draws sentences of one grammar; they follow from the state of `rng` alone."""

    def __init__(self, grammar: Grammar, rng: random.Random) -> None:
        self.grammar = grammar
        self.rng = rng
        self._company = self._proper()

    def pick(self, phrases: tuple[str, ...], **slots: str) -> str:
        """Draw a phrase and fill it."""
        return self.fill(self.rng.choice(phrases), **slots)

    def fill(self, template: str, **slots: str) -> str:
        """Choose the alternatives of a template and fill its slots."""
        text = _CHOICE.sub(lambda match: self.rng.choice(match[1].split("/")), template)
        return _SLOT.sub(lambda match: slots[match[1]] if match[1] in slots else self._slot(match[1]), text)

    def _slot(self, name: str) -> str:
        drawn: dict[str, Callable[[], str]] = {
            "proper": self._proper,
            "company": lambda: self._company,
            "name": lambda: f"{self._proper()} {self._proper()}",
            "time": self._time,
            "count": lambda: str(self.rng.randint(2, 12)),
            "price": self._price,
            "code": lambda: "".join(self.rng.choice(_CODE_SIGNS) for _ in range(self.rng.randint(4, 8))),
        }
        if name in drawn:
            return drawn[name]()
        return self.pick(self.grammar.lists[_LISTS.get(name, name)])

    def _time(self) -> str:
        hour = self.rng.randint(1, 23)
        minutes = self.rng.choice(("00", "15", "30", "45"))
        return self.rng.choice((f"{hour}:{minutes}", f"{hour % 12 + 1} pm", f"{hour}h"))

    def _price(self) -> str:
        amount = self.rng.randint(3, 900)
        return self.rng.choice((f"${amount}", f"{amount}.{self.rng.randint(10, 99)} euros", f"{amount} EUR"))

    def _proper(self) -> str:
        rng = self.rng
        parts = (rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.randint(1, 3)))
        return "".join(parts).capitalize()
