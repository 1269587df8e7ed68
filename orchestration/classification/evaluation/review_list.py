"""How long the list for review is of a set, and how often the model is wrong on it and off it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestration.classification.embedded.model import Model
from orchestration.classification.evaluation.examples import Dataset


@dataclass(frozen=True)
class ReviewList:
    """Of the conversations of a set whose current stage is known: those to review, and the wrong ones on both sides."""

    name: str
    conversations: int
    reviewed: int
    wrong_of_reviewed: int
    wrong_of_others: int


def review_list(dataset: Dataset, model: Model) -> ReviewList:
    """Let the model answer for every conversation whose current stage is known."""
    known = [one for one in dataset.examples if one.current_stage is not None and not one.expects_unknown]
    answers = model([one.conversation for one in known])
    rows = [
        (model.needs_review(answer), answer.furthest_stage(one.masked) != one.current_stage)
        for one, answer in zip(known, answers, strict=True)
    ]
    return ReviewList(
        dataset.name,
        len(rows),
        sum(needs_review for needs_review, _ in rows),
        sum(needs_review and is_wrong for needs_review, is_wrong in rows),
        sum(is_wrong and not needs_review for needs_review, is_wrong in rows),
    )


def as_markdown(lists: Sequence[ReviewList]) -> str:
    """Return the table."""
    lines = [
        "## What a person should look at (`needs_review`)\n",
        "| set | conversations | to review | wrong of these | wrong of the others |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {one.name} | {one.conversations:,} | {_share(one.reviewed, one.conversations)} | "
            f"{_share(one.wrong_of_reviewed, one.reviewed)} | "
            f"{_share(one.wrong_of_others, one.conversations - one.reviewed)} |"
            for one in lists
        ),
    ]
    return "\n".join(lines) + "\n\n"


def as_json(lists: Iterable[ReviewList]) -> list[dict[str, Any]]:
    """Return everything measured, as plain values."""
    return [asdict(one) for one in lists]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
