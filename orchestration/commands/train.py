"""`make train`: fit the embedded model on the shipped texts, or on the user's conversations besides."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration.home import Home
from orchestration.labelling.embedded.calibrating import CONFIDENT_SHARE, Measured, calibrate
from orchestration.labelling.embedded.choosing import choose_strength
from orchestration.labelling.embedded.cross_fitting import cross_fit
from orchestration.labelling.embedded.fitting import fit_model, prepare
from orchestration.labelling.embedded.model import Model
from orchestration.labelling.embedded.storage import SHIPPED, write_model
from orchestration.labelling.training.corpus import held_out_prefixes, training_conversations
from orchestration.labelling.training.extra import read_extra
from orchestration.labelling.training.labelled import LabelledConversation
from orchestration.settings import Settings

_FITTING_SEED, _HELD_OUT_SEED = 1, 2
# From this many prefixes of the user's conversations on only they calibrate, up to a bound.
_ENOUGH_PREFIXES, _MOST_PREFIXES = 300, 5_000


def run_training(settings: Settings, extra: Path | None) -> int:
    """Fit, calibrate and write the model; 0 when written, 1 when the user's conversations cannot be read.

    Without `extra` the shipped model is made again; with it the model goes to model/ of the home.
    """
    own: list[LabelledConversation] = []
    if extra is not None:
        try:
            own = read_extra(extra)
        except (OSError, ValueError) as error:
            print(error)
            return 1
    shipped = training_conversations(_FITTING_SEED)
    print(f"fitting on {len(shipped):,} shipped and {len(own):,} own conversations", file=sys.stderr)
    model, measured = train(shipped, own)
    folder = SHIPPED if extra is None else Home(settings.home).model
    definition_hash = write_model(
        folder, model, fitted_on={"shipped": len(shipped), "own": len(own)}, measured=measured
    )
    print(
        f"On {measured.conversations:,} held-out prefixes: current stage right {measured.accuracy:.1%}, of the most "
        f"confident {CONFIDENT_SHARE:.0%} {measured.confident_accuracy:.1%}, calibration error "
        f"{measured.calibration_error:.3f}; review below {model.calibration.review_below:.3f}.\n"
        f"Written to {folder} (definition {definition_hash[:12]}); how good it is elsewhere: make eval"
    )
    return 0


def train(shipped: Sequence[LabelledConversation], own: Sequence[LabelledConversation]) -> tuple[Model, Measured]:
    """Fit and calibrate; own conversations calibrate by the answers of models that did not see their groups.

    Not by a part kept apart: a few groups would set thresholds for all others, and the rest would not learn from them.
    """
    prepared = prepare(shipped, own)
    strength, losses = choose_strength(prepared)
    for candidate, loss in losses.items():
        print(f"{candidate}: log loss {loss:.4f} on groups held out", file=sys.stderr)
    model = fit_model(prepared, strength)
    answering = cross_fit(prepared, model, strength) if losses else model
    # A threshold is tuned to the mix of stages it is told from, and the user's next group has another mix.
    calibrated, measured = calibrate(answering, _held_out(own if losses else ()), tunes_thresholds=not losses)
    model = model.calibrated(calibrated.calibration)
    return model, measured


def _held_out(own: Sequence[LabelledConversation]) -> list[LabelledConversation]:
    """Return drawn prefixes of the user's conversations, with the shipped ones where those are too few."""
    prefixes = [conversation.cut(length) for conversation in own for length in range(1, len(conversation.messages) + 1)]
    prefixes = sorted(prefixes, key=lambda prefix: hashlib.sha256(prefix.conversation_id.encode()).digest())
    own_prefixes = prefixes[:_MOST_PREFIXES]
    return own_prefixes if len(prefixes) >= _ENOUGH_PREFIXES else [*held_out_prefixes(_HELD_OUT_SEED), *own_prefixes]
