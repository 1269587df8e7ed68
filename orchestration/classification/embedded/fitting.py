"""Fits the two levels of the model on labelled conversations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from orchestration.classification.acts import AGENT_ACTS, CUSTOMER_ACTS
from orchestration.classification.embedded.batches import (
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
from orchestration.classification.embedded.heads import HEADS, Head
from orchestration.classification.embedded.linear import Rows, Weights, fit_logistic, inverse_document_frequencies
from orchestration.classification.embedded.model import Calibration, Model
from orchestration.classification.labelled import LabelledConversation, LabelledMessage, group_weights

ACTS: Mapping[Side, tuple[str, ...]] = {AGENT: AGENT_ACTS, CUSTOMER: CUSTOMER_ACTS}
_ACT_PENALTY = 1.0
# A few thousand composed conversations repeat their phrases: hardly any word may be trusted by itself.
_TEXT_PENALTY = 30.0
_DENSE_PENALTY = 3.0
_STEPS = 60


@dataclass(frozen=True)
class Strength:
    """How far own conversations pull a head away from the shipped one: penalties on the distance, by kind of weight."""

    text_penalty: float
    dense_penalty: float


@dataclass(frozen=True)
class HeadRows:
    """Rows of one head: the number of the conversation, the text (-1: none), dense numbers, truth (0 or 1)."""

    conversation: npt.NDArray[np.int64]
    text_index: npt.NDArray[np.int64]
    dense: Numbers
    truth: Numbers


@dataclass(frozen=True)
class Prepared:
    """Conversations read, their acts fitted, the rows of each head, and the heads of the first `shipped` ones alone."""

    labelled: Sequence[LabelledConversation]
    shipped: int
    batch: Batch
    idfs: Mapping[Side, Numbers]
    acts: Mapping[Side, TextHeads]
    rows: Mapping[str, HeadRows]
    shipped_heads: Mapping[str, Weights]


def prepare(shipped: Sequence[LabelledConversation], own: Sequence[LabelledConversation] = ()) -> Prepared:
    """Read conversations; fit the first level, what the words of a message do, and the heads on shipped ones."""
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
    prepared = Prepared(labelled, len(shipped), batch, idfs, acts, _head_rows(batch, labelled, said), {})
    return replace(prepared, shipped_heads=_fit_shipped_heads(prepared))


def fit_model(
    prepared: Prepared, strength: Strength | None = None, is_used: npt.NDArray[np.bool_] | None = None
) -> Model:
    """Return the model of the shipped heads, or of those pulled by own conversations, all or the used ones.

    The calibration stays neutral until calibrate() gave its own.
    """
    if is_used is None:
        is_used = np.ones(len(prepared.labelled), dtype=np.bool_)
    heads = prepared.shipped_heads if strength is None else fit_own_heads(prepared, strength, is_used)
    texts = {}
    for side in SIDES:
        acts = prepared.acts[side]
        own = [heads[head.name].text * prepared.idfs[side] for head in HEADS if head.side == side]
        weights = np.concatenate((acts.weights, rounded(np.stack(own, axis=1))), axis=1)
        texts[side] = TextHeads(weights, acts.idf, np.concatenate((acts.bias, np.zeros(len(own)))), acts.flags)
    dense = {head.name: np.append(heads[head.name].dense, heads[head.name].bias) for head in HEADS}
    return Model(texts, dense, Calibration.neutral())


def fit_own_heads(
    prepared: Prepared, strength: Strength, is_used: npt.NDArray[np.bool_], steps: int = _STEPS
) -> dict[str, Weights]:
    """Pull every head away from the shipped one by the rows of the own conversations in use.

    The fit starts from the shipped weights, not from none with the shipped rows added: what the own conversations do
    not show then stays as it was, however many they are.
    """
    is_own = is_used & (np.arange(len(is_used)) >= prepared.shipped)
    weights = np.ones(len(is_own))
    weights[is_own] = group_weights([prepared.labelled[at] for at in np.flatnonzero(is_own).tolist()])
    fitted = {}
    for head in HEADS:
        rows, prior = _rows_of(prepared, head, is_own, weights), prepared.shipped_heads[head.name]
        penalties = (strength.text_penalty, strength.dense_penalty)
        fitted[head.name] = fit_logistic(rows, *penalties, steps, prior) if len(rows.truth) else prior
    return fitted


def _fit_shipped_heads(prepared: Prepared) -> dict[str, Weights]:
    is_shipped = np.arange(len(prepared.labelled)) < prepared.shipped
    weights = np.ones(len(prepared.labelled))
    return {
        head.name: fit_logistic(_rows_of(prepared, head, is_shipped, weights), _TEXT_PENALTY, _DENSE_PENALTY, _STEPS)
        for head in HEADS
    }


def _rows_of(prepared: Prepared, head: Head, is_used: npt.NDArray[np.bool_], weights: Numbers) -> Rows:
    rows = prepared.rows[head.name]
    kept = is_used[rows.conversation]
    return Rows(
        texts=prepared.batch.spoken[head.side].texts,
        idf=prepared.idfs[head.side],
        text_index=rows.text_index[kept],
        dense=rows.dense[kept],
        truth=rows.truth[kept],
        weight=weights[rows.conversation[kept]],
    )


def _fit_acts(batch: Batch, labelled: Sequence[LabelledConversation], side: Side, idf: Numbers) -> TextHeads:
    """Fit which acts the words of a side do; messages whose acts were not named are left out."""
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
        value = labelled.labels[head.target]
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
