"""Calibrates a model by how models that did not see a group answer for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.classification.conversation import Conversation
from orchestration.classification.embedded.batches import Reading
from orchestration.classification.embedded.choosing import group_folds
from orchestration.classification.embedded.fitting import Prepared, Strength, fit_model
from orchestration.classification.embedded.model import Model, Signal

# Each fold costs a fit; with fewer, each model would lack too many groups to stand for the one fitted on all.
_FOLDS = 3


@dataclass(frozen=True)
class CrossFitted(Model):
    """A model whose scores for a known conversation, or a prefix of it, come from one that did not learn from it."""

    others: Sequence[Model]
    fold_of: Mapping[str, int]

    def signals(
        self, conversations: Sequence[Conversation]
    ) -> list[tuple[Conversation, Reading | None, dict[str, Signal]]]:
        """Return the scores behind the answers, in the order of the conversations."""
        places: dict[int | None, list[int]] = {}
        for at, conversation in enumerate(conversations):
            places.setdefault(self.fold_of.get(conversation.conversation_id.rpartition("@")[0]), []).append(at)
        found: dict[int, tuple[Conversation, Reading | None, dict[str, Signal]]] = {}
        for fold, own in places.items():
            part = [conversations[at] for at in own]
            scored = super().signals(part) if fold is None else self.others[fold].signals(part)
            found |= dict(zip(own, scored, strict=True))
        return [found[at] for at in range(len(conversations))]


def cross_fit(prepared: Prepared, model: Model, strength: Strength) -> CrossFitted:
    """Fit once more without each fold of the user's groups; `model` answers for everything else."""
    own = range(prepared.shipped, len(prepared.labelled))
    folds = group_folds(prepared, own, _FOLDS)
    others = [fit_model(prepared, strength, folds != fold) for fold in range(_FOLDS)]
    fold_of = {prepared.labelled[at].conversation_id: int(folds[at]) for at in own}
    return CrossFitted(model.texts, model.dense, model.calibration, others, fold_of)
