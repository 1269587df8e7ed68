"""How well a few phrases a label find what real conversations are about, compared with the commonest label.

The real sets name the task or the service of a conversation. The taxonomies next to the golden set were written from
those names alone, as the user of a warehouse writes one for the tasks of an agent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestration.classification.conversation import Message
from orchestration.classification.evaluation.real_sets import read_conversations, read_truths
from orchestration.classification.messages.labeller import MessageLabeller, languages_of, message_labeller
from orchestration.configuration.label_stages import UNKNOWN

SETS = ("star", "sgd")


@dataclass(frozen=True)
class IntentReport:
    """Conversations of a set: how many have a known intent, how many the right one; `constant` is what most are of."""

    name: str
    conversations: int
    answered: int
    right: int
    constant: str
    constant_right: int


def evaluate_intents(data: Path, taxonomies: Path, seeds: Path) -> Iterator[IntentReport]:
    """Score each set that lies in folder `data` with its taxonomy of folder `taxonomies`; nothing when none does.

    Raises what read_real_set raises.
    """
    for name in SETS:
        if (data / name).is_dir():
            labeller = message_labeller(taxonomies / f"{name}.csv")
            conversations = read_conversations(data / name, seeds)
            truths = {key: label for key, row in read_truths(data / name).items() if (label := _label(row)) is not None}
            found = {key: main_intent(labeller, conversations[key]) for key in truths}
            yield _report(name, truths, found)


def main_intent(labeller: MessageLabeller, messages: Sequence[Message]) -> str:
    """Return the intent that most of a customer's messages show, of equally many the first; unknown without one."""
    spoken = [one for one in messages if one.role in {"customer", "agent"}]
    shown = [
        labeller.label(one.content, language).shown["intent"].label
        for one, language in zip(spoken, languages_of(spoken), strict=True)
        if one.role == "customer"
    ]
    known = Counter(label for label in shown if label != UNKNOWN)
    return max(known, key=lambda label: known[label], default=UNKNOWN)


def as_markdown(reports: Sequence[IntentReport]) -> str:
    """Return the table, or nothing for no set."""
    if not reports:
        return ""
    lines = [
        "## Intents by a taxonomy of phrases: what conversations of one task or service are about\n",
        "| set | conversations | right | known | right where known | commonest label |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(report) for report in reports),
    ]
    return "\n".join(lines) + "\n\n"


def as_json(reports: Iterable[IntentReport]) -> list[dict[str, Any]]:
    """Return everything measured, as plain values."""
    return [asdict(report) for report in reports]


def _row(report: IntentReport) -> str:
    total = report.conversations
    cells = (
        report.name,
        f"{total:,}",
        f"{report.right / total:.1%}",
        f"{report.answered / total:.1%}",
        f"{report.right / report.answered:.1%}" if report.answered else "-",
        f"{report.constant_right / total:.1%} ({report.constant})",
    )
    return "| " + " | ".join(cells) + " |"


def _label(row: Mapping[str, Any]) -> str | None:
    """Return the task, or the only service without its number; None for a conversation of several."""
    if "task" in row:
        return str(row["task"])
    services = {str(service).rpartition("_")[0].lower() for service in row["services"]}
    return services.pop() if len(services) == 1 else None


def _report(name: str, truths: Mapping[str, str], found: Mapping[str, str]) -> IntentReport:
    (constant, count), *_ = Counter(truths.values()).most_common(1)
    return IntentReport(
        name,
        len(truths),
        sum(label != UNKNOWN for label in found.values()),
        sum(found[key] == label for key, label in truths.items()),
        constant,
        count,
    )
