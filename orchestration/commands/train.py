"""`make train`: fit the embedded model on the shipped texts, or also on the user's conversations."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.classification.embedded.calibrating import (
    CONFIDENT_SHARE,
    Measured,
    calibrate,
    measure,
    measuring_part,
)
from orchestration.classification.embedded.choosing import choose_strength
from orchestration.classification.embedded.cross_fitting import cross_fit
from orchestration.classification.embedded.fitting import Prepared, fit_model, prepare
from orchestration.classification.embedded.model import Model
from orchestration.classification.embedded.shipped import shipped_model
from orchestration.classification.embedded.storage import SHIPPED, write_model
from orchestration.classification.labelled import LabelledConversation
from orchestration.classification.rephrases.frequencies import count_frequencies, write_frequencies
from orchestration.classification.training.corpus import held_out_prefixes, training_conversations
from orchestration.classification.training.extra import read_extra
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import PROGRESS, SAME_COMMAND

_FITTING_SEED, _HELD_OUT_SEED = 1, 2
# From this many prefixes of the user's conversations on only they calibrate, up to a bound.
_ENOUGH_PREFIXES, _MOST_PREFIXES = 300, 5_000
_LEAST_OWN = 2


@dataclass(frozen=True)
class Compared:
    """An own model and the shipped one on the same prefixes of the user's groups, which neither was fitted on."""

    own: Measured
    shipped: Measured

    @property
    def is_own_better(self) -> bool:
        """Whether the own model places more prefixes right; as many is no reason to change."""
        return self.own.accuracy > self.shipped.accuracy

    def __str__(self) -> str:
        """Return both numbers in words."""
        return (
            f"On {self.own.conversations:,} prefixes of groups held out: current stage right "
            f"{self.own.accuracy:.1%} with your own model, {self.shipped.accuracy:.1%} with the shipped one."
        )


@dataclass(frozen=True)
class Trained:
    """A model, its results on prefixes it was not fitted on, and the comparison where it is the user's own."""

    model: Model
    measured: Measured
    compared: Compared | None = None


def run_training(settings: Settings, extra: Path | None) -> int:
    """Fit, calibrate and write the model; 0 when that went well, 1 when the user's conversations cannot be used.

    Without `extra` the shipped model is made again; with it the model goes to model/ of the home, if it is better than
    the shipped one on groups held out.
    """
    PROGRESS.leave(lambda: f"The model in use is whole; {SAME_COMMAND}.")
    own: list[LabelledConversation] = []
    if extra is not None:
        try:
            own = read_extra(extra)
        except (OSError, ValueError) as error:
            print(error)
            return 1
        if len(own) < _LEAST_OWN:
            print(f"{extra}: one conversation: none is left to compare the models on; label at least {_LEAST_OWN}")
            return 1
        if len({conversation.group for conversation in own}) == 1:
            # A group that all share separates nothing: each conversation is then held out by itself.
            own = [replace(conversation, group="") for conversation in own]
    else:
        # They follow from the same texts.
        write_frequencies(count_frequencies())
    shipped = training_conversations(_FITTING_SEED)
    print(f"fitting on {len(shipped):,} shipped and {len(own):,} own conversations", file=sys.stderr)
    trained = train(shipped, own)
    folder = SHIPPED if extra is None else Home(settings.home).model
    if trained.compared is not None:
        print(trained.compared)
        if not trained.compared.is_own_better:
            stays = f"the own model in {folder} stays" if folder.exists() else "the shipped model stays in use"
            print(f"Yours is not better: nothing is written, {stays}. More conversations, of more groups, help most.")
            return 0
    measured, model = trained.measured, trained.model
    definition_hash = write_model(
        folder, model, fitted_on={"shipped": len(shipped), "own": len(own)}, measured=measured
    )
    print(
        f"On {measured.conversations:,} held-out prefixes: current stage right {measured.accuracy:.1%}, of the most "
        f"confident {CONFIDENT_SHARE:.0%} {measured.confident_accuracy:.1%}, calibration error "
        f"{measured.calibration_error:.3f}; sure from {model.calibration.sure_from:.3f}, review below "
        f"{model.calibration.review_below:.3f}.\n"
        f"Written to {folder} (definition {definition_hash[:12]}); how good it is elsewhere: make eval"
    )
    return 0


def train(shipped: Sequence[LabelledConversation], own: Sequence[LabelledConversation] = ()) -> Trained:
    """Fit and calibrate; with own conversations a model of the user's, and its comparison with the shipped one."""
    if own:
        return train_own(prepare(shipped, own))
    return Trained(*calibrate(fit_model(prepare(shipped)), held_out_prefixes(_HELD_OUT_SEED)))


def train_own(prepared: Prepared) -> Trained:
    """Fit and calibrate; own conversations calibrate by the answers of models that did not see their groups.

    Not by a part kept apart: a few groups would set thresholds for all others, and the rest would not learn from them.
    """
    own = prepared.labelled[prepared.shipped :]
    strength, losses = choose_strength(prepared)
    for candidate, loss in losses.items():
        print(f"{candidate}: log loss {loss:.4f} on groups held out", file=sys.stderr)
    model = fit_model(prepared, strength)
    crossed = cross_fit(prepared, model, strength)
    held_out = _held_out(own)
    # A threshold is tuned to the mix of stages it is fitted on, and the user's next group has another mix.
    answering, measured = calibrate(crossed, held_out, tunes_thresholds=False)
    names = {conversation.conversation_id for conversation in own}
    judged = [prefix for prefix in measuring_part(held_out) if prefix.conversation_id.rpartition("@")[0] in names]
    compared = Compared(measure(answering, judged), measure(shipped_model().model, judged))
    return Trained(model.calibrated(answering.calibration), measured, compared)


def _held_out(own: Sequence[LabelledConversation]) -> list[LabelledConversation]:
    """Return drawn prefixes of the user's conversations, with the shipped ones where those are too few."""
    prefixes = [conversation.cut(length) for conversation in own for length in range(1, len(conversation.messages) + 1)]
    prefixes = sorted(prefixes, key=lambda prefix: hashlib.sha256(prefix.conversation_id.encode()).digest())
    own_prefixes = prefixes[:_MOST_PREFIXES]
    return own_prefixes if len(prefixes) >= _ENOUGH_PREFIXES else [*held_out_prefixes(_HELD_OUT_SEED), *own_prefixes]
