"""The conversations that ship: those that are fitted on, and those for calibration and thresholds."""

import random

from orchestration.classification.labelled import LabelledConversation
from orchestration.classification.training.authored import read_authored
from orchestration.classification.training.grammar import read_grammar
from orchestration.classification.training.scenarios import compose

# Grammar -> conversations composed from it. Bookings and orders, most of en, would drown in the trades of en_services.
FITTED_ON = {"en": 2_000, "en+en_services": 2_000, "de": 350, "es": 350, "fr": 350, "pt": 350}
HELD_OUT = {"en_heldout": 9_000}
# Lines written by hand teach more than composed ones.
_AUTHORED_REPEATS = 3


def training_conversations(seed: int) -> list[LabelledConversation]:
    """Compose what the weights are fitted on; the same seed gives the same conversations."""
    return [*_composed(FITTED_ON, seed), *(_AUTHORED_REPEATS * read_authored())]


def held_out_prefixes(seed: int) -> list[LabelledConversation]:
    """Compose from other phrases, each conversation cut at a drawn message: what a model meets while people write."""
    rng = random.Random(f"cut {seed}")  # noqa: S311 - reproducible, nothing secret
    return [conversation.cut(rng.randint(1, len(conversation.messages))) for conversation in _composed(HELD_OUT, seed)]


def _composed(counts: dict[str, int], seed: int) -> list[LabelledConversation]:
    return [
        compose(read_grammar(name), f"{name}-{number}", random.Random(f"{seed} {name} {number}"))  # noqa: S311
        for name, count in counts.items()
        for number in range(count)
    ]
