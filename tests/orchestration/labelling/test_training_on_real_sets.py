"""`make train EXTRA=dir` on real conversations: how good the model is on tasks and services it never saw.

Nothing of it is kept: the models live as long as the test.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestration.commands.train import train
from orchestration.labelling.evaluation.examples import Example
from orchestration.labelling.evaluation.scoring import Scores, score
from orchestration.labelling.training.corpus import training_conversations
from orchestration.settings import PROJECT_DIR
from tests.support.real_labelled import (
    dataset,
    prefixes_by_conversation,
    read_real_labelled,
    shows_at_the_cut,
    truths_of,
)

REAL_SETS = PROJECT_DIR.parent / "shared" / "data"
SEEDS = PROJECT_DIR / "seeds"

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not REAL_SETS.is_dir(), reason=f"the real conversations are not at {REAL_SETS}"),
]


@dataclass(frozen=True)
class HeldOut:
    """Scores of each fold, and of them together by what was right of how many."""

    scores: list[Scores]

    @property
    def accuracy(self) -> float:
        hits = sum(scores.current_stage.hits for scores in self.scores)
        return hits / sum(scores.current_stage.total for scores in self.scores)

    @property
    def claim_f1(self) -> float:
        counts = [scores.claims["claimed_resolved against the outcome"] for scores in self.scores]
        right = sum(count.true_positives for count in counts)
        return 2 * right / (2 * right + sum(count.false_positives + count.false_negatives for count in counts))


def _measure(
    folder: Path, folds: int, measured_folds: int, *, most: int, kinds: Mapping[str, Any] | None = None
) -> dict[str, HeldOut]:
    """Fit on the conversations without a group of the fold, score the prefixes of those with one."""
    conversations, groups = read_real_labelled(folder, SEEDS)
    prefixes = prefixes_by_conversation(folder, SEEDS)
    names = sorted({name for found in groups.values() for name in found})
    random.Random(0).shuffle(names)  # noqa: S311 - reproducible, nothing secret
    shipped = training_conversations(1)
    found: dict[str, list[Scores]] = {}
    for fold in range(measured_folds):
        held = set(names[fold::folds])
        learnt = [row for row in conversations if not groups[row.conversation_id] & held]
        random.Random(1).shuffle(learnt)  # noqa: S311 - as above
        model, _ = train(shipped, learnt[:most])
        tested = [name for name, own in groups.items() if own & held]
        for kind, accepted in _kinds(kinds, tested).items():
            examples: list[Example] = [example for name in accepted for example in prefixes.get(name, ())]
            scores = score("EXTRA", model, dataset(kind, examples))
            found.setdefault(kind, []).append(scores)
            print(f"{folder.name} fold {fold} {kind}: {scores.current_stage} claim", HeldOut([scores]).claim_f1)
    return {kind: HeldOut(scores) for kind, scores in found.items()}


def _kinds(truths: Mapping[str, Any] | None, tested: list[str]) -> dict[str, list[str]]:
    if truths is None:
        return {"all": tested}
    return {"all": tested, "shows at the cut": [name for name in tested if shows_at_the_cut(truths[name])]}


def test_whole_tasks_held_out_of_star() -> None:
    measured = _measure(REAL_SETS / "star", 8, 8, most=10_000)
    assert measured["all"].accuracy >= 0.88


def test_whole_services_held_out_of_sgd() -> None:
    measured = _measure(REAL_SETS / "sgd", 8, 2, most=3_000, kinds=truths_of(REAL_SETS / "sgd"))
    assert measured["shows at the cut"].accuracy >= 0.93
    assert measured["shows at the cut"].claim_f1 >= 0.97
