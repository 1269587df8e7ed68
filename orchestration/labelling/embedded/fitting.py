"""Fits the two levels of the model on labelled conversations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestration.labelling.embedded.heads import HEADS, Head
from orchestration.labelling.embedded.linear import Rows, Weights, fit_logistic, inverse_document_frequencies
from orchestration.labelling.embedded.model import Calibration, Model
from orchestration.labelling.embedded.reading import (
    AGENT,
    CUSTOMER,
    SIDES,
    Batch,
    Numbers,
    Side,
    TextHeads,
    dense_of,
    read_batch,
    said_of,
)
from orchestration.labelling.training.acts import AGENT_ACTS, CUSTOMER_ACTS
from orchestration.labelling.training.labelled import LabelledConversation, LabelledMessage

ACTS: Mapping[Side, tuple[str, ...]] = {AGENT: AGENT_ACTS, CUSTOMER: CUSTOMER_ACTS}
_ACT_PENALTY = 1.0
_DENSE_PENALTY = 3.0
_STEPS = 60
# Groups differ in size by more than they differ in what they teach.
_GROUP_EXPONENT = 0.5


@dataclass(frozen=True)
class Strength:
    """How much is learnt from whom: the penalty on words of the heads, the weight of a shipped beside an own row."""

    text_penalty: float
    shipped_weight: float


# A few thousand composed conversations repeat their phrases: hardly any word may be trusted by itself.
SHIPPED_STRENGTH = Strength(30.0, 1.0)


@dataclass(frozen=True)
class HeadRows:
    """Rows of one head: the number of the conversation, the text (-1: none), dense numbers, truth (0 or 1)."""

    conversation: npt.NDArray[np.int64]
    text_index: npt.NDArray[np.int64]
    dense: Numbers
    truth: Numbers


@dataclass(frozen=True)
class Prepared:
    """Conversations read, their acts fitted, and the rows of each head; the first `shipped` ones are shipped."""

    labelled: Sequence[LabelledConversation]
    shipped: int
    batch: Batch
    idfs: Mapping[Side, Numbers]
    acts: Mapping[Side, TextHeads]
    rows: Mapping[str, HeadRows]


def prepare(shipped: Sequence[LabelledConversation], own: Sequence[LabelledConversation] = ()) -> Prepared:
    """Read conversations and fit the first level, what the words of a message do."""
    labelled = [*shipped, *own]
    batch = read_batch([conversation.conversation for conversation in labelled])
    idfs = {
        side: inverse_document_frequencies(batch.spoken[side].texts).astype(np.float16).astype(np.float64)
        for side in SIDES
    }
    acts = {side: _fit_acts(batch, labelled, side, idfs[side]) for side in SIDES}
    said = {
        side: said_of(batch.spoken[side], acts[side].scores(batch.spoken[side].texts), acts[side].flags)
        for side in SIDES
    }
    return Prepared(labelled, len(shipped), batch, idfs, acts, _head_rows(batch, labelled, said))


def fit_model(
    prepared: Prepared, strength: Strength = SHIPPED_STRENGTH, is_used: npt.NDArray[np.bool_] | None = None
) -> Model:
    """Fit the second level, on all or the used ones; the calibration stays neutral until calibrate() gave its own."""
    if is_used is None:
        is_used = np.ones(len(prepared.labelled), dtype=np.bool_)
    heads = fit_heads(prepared, strength, is_used)
    texts = {}
    for side in SIDES:
        acts = prepared.acts[side]
        own = [heads[head.name].text * prepared.idfs[side] for head in HEADS if head.side == side]
        weights = np.concatenate((acts.weights, rounded(np.stack(own, axis=1))), axis=1)
        texts[side] = TextHeads(weights, acts.idf, np.concatenate((acts.bias, np.zeros(len(own)))), acts.flags)
    dense = {head.name: np.append(heads[head.name].dense, heads[head.name].bias) for head in HEADS}
    return Model(texts, dense, Calibration.neutral())


def fit_heads(
    prepared: Prepared, strength: Strength, is_used: npt.NDArray[np.bool_], steps: int = _STEPS
) -> dict[str, Weights]:
    """Fit every head on the rows of the conversations in use."""
    weights = _conversation_weights(prepared, strength, is_used)
    fitted = {}
    for head in HEADS:
        rows = prepared.rows[head.name]
        kept = is_used[rows.conversation]
        rows_in_use = Rows(
            texts=prepared.batch.spoken[head.side].texts,
            idf=prepared.idfs[head.side],
            text_index=rows.text_index[kept],
            dense=rows.dense[kept],
            truth=rows.truth[kept],
            weight=weights[rows.conversation[kept]],
        )
        fitted[head.name] = fit_logistic(rows_in_use, strength.text_penalty, _DENSE_PENALTY, steps)
    return fitted


def _conversation_weights(prepared: Prepared, strength: Strength, is_used: npt.NDArray[np.bool_]) -> Numbers:
    """Weigh own conversations of small groups up and of large ones down, and shipped ones by `shipped_weight`."""
    weights = np.ones(len(prepared.labelled))
    weights[: prepared.shipped] = strength.shipped_weight
    groups: dict[str, list[int]] = {}
    for at in (np.flatnonzero(is_used[prepared.shipped :]) + prepared.shipped).tolist():
        group = prepared.labelled[at].group
        if group:
            groups.setdefault(group, []).append(at)
    if groups:
        middle = float(np.median([len(members) for members in groups.values()]))
        for members in groups.values():
            weights[members] = (middle / len(members)) ** _GROUP_EXPONENT
    return weights


def _fit_acts(batch: Batch, labelled: Sequence[LabelledConversation], side: Side, idf: Numbers) -> TextHeads:
    """Fit which acts the words of a side do; messages whose acts nobody named are left out."""
    texts = batch.spoken[side].texts
    acts: dict[int, frozenset[str]] = {}
    for reading, conversation in zip(batch.readings, labelled, strict=True):
        if reading is None:
            continue
        said = {message.message.event_id: message for message in conversation.messages}
        for message, place in zip(reading.messages, reading.text_index, strict=True):
            named = said[message.event_id].acts
            if message.role == side and named is not None:
                acts[place] = acts.get(place, frozenset()) | named
    index = np.array(sorted(acts), dtype=np.int64)
    flags = batch.spoken[side].flags[index]
    found = []
    for act in ACTS[side]:
        truth = np.array([act in acts[place] for place in index], dtype=np.float64)
        found.append(fit_logistic(Rows(texts, idf, index, flags, truth), _ACT_PENALTY, _DENSE_PENALTY, _STEPS))
    weights = rounded(np.stack([weight.text * idf for weight in found], axis=1))
    return TextHeads(
        *(weights, idf.astype(np.float32), np.array([weight.bias for weight in found])),
        flags=np.stack([weight.dense for weight in found], axis=1),
    )


def rounded(weights: Numbers) -> npt.NDArray[np.float32]:
    """Round to what is stored, so that a model answers the same before and after it was written."""
    return weights.astype(np.float16).astype(np.float32)


def _head_rows(
    batch: Batch, labelled: Sequence[LabelledConversation], said: Mapping[Side, Numbers]
) -> dict[str, HeadRows]:
    collected: dict[str, tuple[list[int], list[int], list[Numbers], list[float]]] = {
        head.name: ([], [], [], []) for head in HEADS
    }
    for number, (reading, conversation) in enumerate(zip(batch.readings, labelled, strict=True)):
        if reading is None:
            continue
        counted = {message.event_id for message in reading.messages}
        messages = [message for message in conversation.messages if message.message.event_id in counted]
        rows = dense_of(reading, said)
        for head in HEADS:
            numbers, places, dense, truths = collected[head.name]
            for at, truth in head_rows(head, messages):
                numbers.append(number)
                places.append(reading.text_index[at])
                dense.append(rows[at][: len(rows[at]) - head.unseen_columns])
                truths.append(truth)
    return {
        name: HeadRows(np.array(numbers), np.array(places), np.array(dense), np.array(truths))
        for name, (numbers, places, dense, truths) in collected.items()
    }


def head_rows(head: Head, messages: Sequence[LabelledMessage]) -> list[tuple[int, float]]:
    """Return (position, truth) of the messages a head learns from: none after a stage was reached."""
    rows: list[tuple[int, float]] = []
    before: bool | None = False
    for at, labelled in enumerate(messages):
        is_own = (labelled.message.role == CUSTOMER) == (head.side == CUSTOMER)
        value = labelled.marks[head.mark]
        if head.name == "reopened":
            if is_own and before and value is not None:
                rows.append((at, float(not value)))
        elif head.is_state:
            if is_own and value is not None:
                rows.append((at, float(value)))
        else:
            if before:
                break
            if is_own and value is not None:
                rows.append((at, float(value)))
        before = value
    return rows
