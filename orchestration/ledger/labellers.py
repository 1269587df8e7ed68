"""The classifiers that label the warehouse, each with the hash of everything its answers depend on."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestration.classification.conversation import Classifier, StageAnswer
from orchestration.classification.cues import hash_of_cues
from orchestration.classification.embedded.storage import SHIPPED, StoredModel, read_model
from orchestration.classification.messages.courtesy import hash_of_courtesy
from orchestration.classification.misunderstandings import hash_of_fallback_texts
from orchestration.classification.rules import classify_by_rules
from orchestration.configuration.label_stages import UNKNOWN
from orchestration.redaction.redactor import REDACTOR_VERSION

# Raised with every change of code that may change an answer; data (cues, coefficients) is hashed as it is.
RULES_VERSION = 1
MODEL_VERSION = 3


@dataclass(frozen=True)
class Labeller:
    """A classifier as the ledger names it; `usd_per_conversation` is what a labelling is expected to cost.

    A person should look at an answer that `needs_review`; an LLM may be asked where it `is_unsure`.
    """

    kind: Literal["rule", "model", "llm"]
    model: str
    definition_hash: str
    classify: Classifier
    needs_review: Callable[[StageAnswer], bool]
    is_unsure: Callable[[StageAnswer], bool]
    usd_per_conversation: float = 0.0


def default_labeller(own_model: Path) -> Labeller:
    """Return what labels a warehouse whose own model, when it has one, lies in folder `own_model`."""
    return embedded_labeller(own_model)


def rules_labeller() -> Labeller:
    """Return the rules: cues in texts and tool events."""
    return Labeller(
        "rule",
        "rules",
        _definition("rule", "rules", RULES_VERSION, hash_of_cues()),
        classify_by_rules,
        needs_review=_is_unknown,
        is_unsure=_is_unknown,
    )


def embedded_labeller(own_model: Path) -> Labeller:
    """Return the embedded model: the user's own in folder `own_model` when there is one, else the shipped one.

    Raises ValueError naming the folder when the model in it cannot be read.
    """
    name, stored = embedded_model(own_model)
    # The model reads cues as features, and by the other words whether an agent's last word leaves it unsolved.
    data = "".join((hash_of_cues(), hash_of_fallback_texts(), hash_of_courtesy()))
    definition = _definition("model", stored.definition_hash, MODEL_VERSION, data)
    model = stored.model
    return Labeller("model", f"embedded ({name})", definition, model, model.needs_review, model.is_unsure)


def embedded_model(own_model: Path) -> tuple[str, StoredModel]:
    """Return the embedded model and whose it is, own or shipped. Raises ValueError as `embedded_labeller` does."""
    name, folder = ("own", own_model) if own_model.exists() else ("shipped", SHIPPED)
    return name, read_model(folder)


def _is_unknown(answer: StageAnswer) -> bool:
    return answer.furthest_stage() == UNKNOWN


def _definition(kind: str, model: str, version: int, data: str) -> str:
    parts = {"kind": kind, "model": model, "version": version, "data": data, "redactor": REDACTOR_VERSION}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
