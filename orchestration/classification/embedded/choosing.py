"""Chooses, on the user's own conversations, how much is learnt from them: by groups the heads were not fitted on."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from orchestration.classification.embedded.fitting import HeadRows, Prepared, Strength, fit_own_heads
from orchestration.classification.embedded.heads import HEADS, Head
from orchestration.classification.embedded.linear import Weights, sum_by_text, text_norms
from orchestration.classification.labelled import LabelledConversation

# From hardly more than another base rate to trusting words by themselves.
CANDIDATES = (Strength(300.0, 300.0), Strength(30.0, 30.0), Strength(10.0, 10.0), Strength(1.0, 3.0))
_FOLDS = 2
_STEPS = 20
# The choice is between factors of three, so a sample suffices; fitting each candidate on everything is too slow.
_MOST_OWN = 600


def choose_strength(prepared: Prepared) -> tuple[Strength, Mapping[Strength, float]]:
    """Return the strength with the lowest log loss on groups held out, and the loss of each candidate.

    A conversation without a group is a group of its own; there are at least two.
    """
    own = sorted(range(prepared.shipped, len(prepared.labelled)), key=lambda at: _number(prepared.labelled[at]))
    own = own[:_MOST_OWN]
    fold_of = group_folds(prepared, own, _FOLDS)
    losses = {
        candidate: float(np.mean([_held_out_loss(prepared, candidate, fold_of, fold) for fold in range(_FOLDS)]))
        for candidate in CANDIDATES
    }
    return min(losses, key=lambda candidate: losses[candidate]), losses


def group_of(conversation: LabelledConversation) -> str:
    """Return what must not stand on both sides of a split."""
    return conversation.group or conversation.conversation_id


def _number(conversation: LabelledConversation) -> str:
    return hashlib.sha256(conversation.conversation_id.encode()).hexdigest()


def group_folds(prepared: Prepared, own: Sequence[int], folds: int) -> npt.NDArray[np.int64]:
    """Give each named conversation its fold, -1 to all others: groups from large to small, each to the lightest."""
    members: dict[str, list[int]] = {}
    for at in own:
        members.setdefault(group_of(prepared.labelled[at]), []).append(at)
    fold_of = np.full(len(prepared.labelled), -1)
    sizes = [0] * folds
    for group in sorted(members, key=lambda name: (-len(members[name]), name)):
        lightest = sizes.index(min(sizes))
        fold_of[members[group]] = lightest
        sizes[lightest] += len(members[group])
    return fold_of


def _held_out_loss(prepared: Prepared, strength: Strength, fold_of: npt.NDArray[np.int64], fold: int) -> float:
    heads = fit_own_heads(prepared, strength, (fold_of >= 0) & (fold_of != fold), _STEPS)
    losses = [_log_loss(prepared, head, heads[head.name], fold_of == fold) for head in HEADS]
    return float(np.sum([loss for loss in losses if loss is not None]))


def _log_loss(prepared: Prepared, head: Head, weights: Weights, is_held_out: npt.NDArray[np.bool_]) -> float | None:
    rows: HeadRows = prepared.rows[head.name]
    kept = is_held_out[rows.conversation]
    if not kept.any():
        return None
    texts, idf = prepared.batch.spoken[head.side].texts, prepared.idfs[head.side]
    by_text = sum_by_text(texts, (weights.text * idf)[texts.buckets]) / text_norms(texts, idf)
    logits = rows.dense[kept] @ weights.dense + weights.bias
    places = rows.text_index[kept]
    logits[places >= 0] += by_text[places[places >= 0]]
    return float(np.mean(np.logaddexp(0, logits) - rows.truth[kept] * logits))
