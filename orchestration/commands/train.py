"""`make train`: fit the embedded model on the shipped texts, or on the user's conversations besides."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration.home import Home
from orchestration.labelling.embedded.calibrating import CONFIDENT_SHARE, calibrate
from orchestration.labelling.embedded.fitting import fit_model
from orchestration.labelling.embedded.storage import SHIPPED, write_model
from orchestration.labelling.training.corpus import held_out_prefixes, training_conversations
from orchestration.labelling.training.extra import read_extra
from orchestration.labelling.training.labelled import LabelledConversation
from orchestration.settings import Settings

_FITTING_SEED, _HELD_OUT_SEED = 1, 2
# Every fourth of the user's conversations is kept from fitting; from this many prefixes on only they calibrate.
_HELD_OUT_EVERY = 4
_ENOUGH_PREFIXES = 300


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
    kept = [conversation for conversation in own if _is_held_out(conversation)]
    learnt = [conversation for conversation in own if not _is_held_out(conversation)]
    print(f"fitting on {len(shipped):,} shipped and {len(learnt):,} own conversations", file=sys.stderr)
    model, measured = calibrate(fit_model([*shipped, *learnt]), _held_out(kept))
    folder = SHIPPED if extra is None else Home(settings.home).model
    definition_hash = write_model(
        folder, model, fitted_on={"shipped": len(shipped), "own": len(learnt)}, measured=measured
    )
    print(
        f"On {measured.conversations:,} held-out prefixes: current stage right {measured.accuracy:.1%}, of the most "
        f"confident {CONFIDENT_SHARE:.0%} {measured.confident_accuracy:.1%}, calibration error "
        f"{measured.calibration_error:.3f}; review below {model.calibration.review_below:.3f}.\n"
        f"Written to {folder} (definition {definition_hash[:12]}); how good it is elsewhere: make eval"
    )
    return 0


def _is_held_out(conversation: LabelledConversation) -> bool:
    return hashlib.sha256(conversation.conversation_id.encode()).digest()[0] % _HELD_OUT_EVERY == 0


def _held_out(own: Sequence[LabelledConversation]) -> list[LabelledConversation]:
    """Return prefixes of the user's held-out conversations, with the shipped ones where those are too few."""
    prefixes = [conversation.cut(length) for conversation in own for length in range(1, len(conversation.messages) + 1)]
    return prefixes if len(prefixes) >= _ENOUGH_PREFIXES else [*held_out_prefixes(_HELD_OUT_SEED), *prefixes]
