"""How well rephrases are detected: on pairs of messages written for it, and how many the real sets seem to have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from orchestration.classification.conversation import Message
from orchestration.classification.evaluation.real_sets import REAL_SETS, read_conversations
from orchestration.classification.rephrases.detecting import compare

PAIRS = "rephrase_pairs.yml"


@dataclass(frozen=True)
class Pair:
    """Two consecutive messages of a customer, and whether the second rephrases the first."""

    before: str
    after: str
    language: str
    is_rephrase: bool


@dataclass(frozen=True)
class RephraseReport:
    """Of a set: pairs and conversations, and in how many a rephrase or a repeat was seen.

    `rephrases` and `found` are None where the true rephrases are unknown; there `false` counts all that were
    seen at all.
    """

    name: str
    pairs: int
    conversations: int | None
    rephrases: int | None
    found: int | None
    false: int
    false_conversations: int | None


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs written by hand. Raises OSError, ValueError naming the file when a pair is not as expected."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))["pairs"]
        return [Pair(one["before"], one["after"], one["language"], bool(one["is_rephrase"])) for one in content]
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: a pair needs before, after, language and is_rephrase ({error!r})") from error


def evaluate_rephrases(data: Path, golden: Path, seeds: Path) -> Iterator[RephraseReport]:
    """Score the pairs of folder `golden` and count over each real set of folder `data`.

    Raises what read_pairs and read_real_set raise.
    """
    pairs = read_pairs(golden / PAIRS)
    seen = [pair.is_rephrase for pair in pairs if compare(pair.before, pair.after).is_again]
    rephrases = sum(pair.is_rephrase for pair in pairs)
    yield RephraseReport("authored pairs", len(pairs), None, rephrases, sum(seen), len(seen) - sum(seen), None)
    for name in REAL_SETS:
        if (data / name).is_dir():
            yield _counted(name, read_conversations(data / name, seeds).values())


def as_markdown(reports: Sequence[RephraseReport]) -> str:
    """Return the table."""
    lines = [
        "## Rephrases: customers who rephrase or repeat, by the words two messages share\n",
        "| set | pairs | rephrases found | other pairs taken for one | conversations with one |",
        "| --- | --- | --- | --- | --- |",
        *(_row(report) for report in reports),
    ]
    return "\n".join(lines) + "\n\nThe true rephrases of the real sets are unknown: all detected ones are counted.\n\n"


def as_json(reports: Iterable[RephraseReport]) -> list[dict[str, Any]]:
    """Return everything measured, as plain values."""
    return [asdict(report) for report in reports]


def _counted(name: str, conversations: Iterable[Sequence[Message]]) -> RephraseReport:
    found = [
        [compare(before.content, after.content).is_again for before, after in pairwise(_of_customer(messages))]
        for messages in conversations
    ]
    return RephraseReport(
        name, sum(map(len, found)), len(found), None, None, sum(map(sum, found)), sum(map(any, found))
    )


def _of_customer(messages: Iterable[Message]) -> list[Message]:
    return [message for message in messages if message.role == "customer"]


def _row(report: RephraseReport) -> str:
    others = report.pairs - (report.rephrases or 0)
    cells = (
        report.name,
        f"{report.pairs:,}",
        f"{report.found / report.rephrases:.1%} of {report.rephrases}" if report.found and report.rephrases else "-",
        f"{report.false / others:.2%}" if others else "-",
        f"{report.false_conversations / report.conversations:.1%} of {report.conversations:,}"
        if report.conversations and report.false_conversations is not None
        else "-",
    )
    return "| " + " | ".join(cells) + " |"
