"""How well redaction finds what it should, on strings written for it: recall and precision of each kind.

What is compared are places, not counts: a find is right when kind, start and end are those of the case.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestration.redaction.redactor import KINDS, Redacted, redact

CASES = "redaction_cases.jsonl"
ALL = "all"
_NONE = "none"
_PLACEHOLDER = re.compile(rf"\[({'|'.join(KINDS)})\]")


@dataclass(frozen=True)
class Case:
    """A text and what redaction should leave of it; `kind` is none when that is all of it.

    `form` is plain or obfuscated, of a case without anything to find what it resembles; `origin` says where its
    numbers, addresses and keys come from.
    """

    kind: str
    form: str
    language: str
    text: str
    redacted: str
    origin: str


@dataclass(frozen=True)
class KindScore:
    """Of one kind and form: how many there are, how many were found, and how many finds were none."""

    kind: str
    form: str
    expected: int
    found: int
    false: int

    @property
    def recall(self) -> float:
        """Return the share found of what is there, 1 when nothing is."""
        return self.found / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Return the share of finds that are right, 1 without a find."""
        finds = self.found + self.false
        return self.found / finds if finds else 1.0


@dataclass(frozen=True)
class RedactionReport:
    """The scores of each kind, with the sum `all` last, and the cases that came out otherwise, with their result."""

    cases: int
    languages: int
    scores: tuple[KindScore, ...]
    wrong: tuple[tuple[Case, str], ...]


def read_cases(path: Path) -> list[Case]:
    """Read redaction_cases.jsonl. Raises OSError, ValueError naming file, line and cause."""
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if line:
            try:
                case = Case(**json.loads(line))
                _spans(case.text, case.redacted)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}:{number}: {error}; its README.md lists the fields of a case") from error
            cases.append(case)
    return cases


def evaluate_redaction(golden: Path, redactor: Callable[[str], Redacted] = redact) -> RedactionReport:
    """Score the cases of folder `golden`. Raises what read_cases raises."""
    cases = read_cases(golden / CASES)
    results = [redactor(case.text).text for case in cases]
    expected, found = set(), set()
    for number, (case, result) in enumerate(zip(cases, results, strict=True)):
        expected |= {(number, *span) for span in _spans(case.text, case.redacted)}
        found |= {(number, *span) for span in _spans(case.text, result)}
    forms = [case.form if case.kind != _NONE else _NONE for case in cases]
    scores = []
    for kind in (*KINDS, ALL):
        for form in ("plain", "obfuscated", ALL):
            there = [one for one in expected if kind in {one[1], ALL} and form in {forms[one[0]], ALL}]
            finds = [one for one in found if kind in {one[1], ALL} and form in {forms[one[0]], ALL}]
            scores.append(_score(kind, form, there, finds))
    wrong = [(case, result) for case, result in zip(cases, results, strict=True) if case.redacted != result]
    return RedactionReport(len(cases), len({case.language for case in cases}), tuple(scores), tuple(wrong))


def as_markdown(report: RedactionReport) -> str:
    """Return the table, and each case that came out otherwise."""
    lines = [
        "## Redaction: what is masked, on strings written for it\n",
        f"{report.cases:,} strings in {report.languages} languages; a find counts when kind and place are right.\n",
        "| kind | form | there are | recall | precision |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {one.kind} | {one.form} | {one.expected} | {one.recall:.1%} | {one.precision:.1%} |"
            for one in report.scores
        ),
    ]
    wrong = [f"- {case.language}, {case.form}: `{case.text!a}` becomes `{result!a}`" for case, result in report.wrong]
    return "\n".join([*lines, "", *wrong]) + "\n\n"


def as_json(report: RedactionReport) -> list[dict[str, Any]]:
    """Return everything measured, as plain values."""
    return [{**asdict(one), "recall": one.recall, "precision": one.precision} for one in report.scores]


def _score(kind: str, form: str, expected: Sequence[object], found: Sequence[object]) -> KindScore:
    right = len(set(expected) & set(found))
    return KindScore(kind, form, len(expected), right, len(found) - right)


def _spans(text: str, redacted: str) -> Iterable[tuple[str, int, int]]:
    """Return kind, start and end in the text of each placeholder. Raises ValueError for texts that do not fit."""
    places = list(_PLACEHOLDER.finditer(redacted))
    kept = [re.escape(part) for part in _PLACEHOLDER.split(redacted)[::2]]
    match = re.fullmatch("(.+?)".join(kept), text, re.DOTALL)
    if match is None:
        raise ValueError(f"{redacted!a} is not made from {text!a}")
    return [(place[1], *match.span(number)) for number, place in enumerate(places, start=1)]
