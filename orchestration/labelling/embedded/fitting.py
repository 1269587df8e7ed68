"""Fits the two levels of the model on labelled conversations."""

from collections.abc import Mapping, Sequence

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
_TEXT_PENALTY = 30.0
_DENSE_PENALTY = 3.0
_STEPS = 60


def fit_model(labelled: Sequence[LabelledConversation]) -> Model:
    """Fit both levels; the model answers with neutral calibration until calibrate() gave it its own."""
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
    heads = _fit_heads(batch, labelled, said, idfs)
    texts = {}
    for side in SIDES:
        own = [heads[head.name].text * idfs[side] for head in HEADS if head.side == side]
        weights = np.concatenate((acts[side].weights, rounded(np.stack(own, axis=1))), axis=1)
        texts[side] = TextHeads(
            weights, acts[side].idf, np.concatenate((acts[side].bias, np.zeros(len(own)))), acts[side].flags
        )
    dense = {head.name: np.append(heads[head.name].dense, heads[head.name].bias) for head in HEADS}
    return Model(texts, dense, Calibration.neutral())


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


def _fit_heads(
    batch: Batch, labelled: Sequence[LabelledConversation], said: Mapping[Side, Numbers], idfs: Mapping[Side, Numbers]
) -> dict[str, Weights]:
    collected: dict[str, tuple[list[int], list[Numbers], list[float]]] = {head.name: ([], [], []) for head in HEADS}
    for reading, conversation in zip(batch.readings, labelled, strict=True):
        if reading is None:
            continue
        counted = {message.event_id for message in reading.messages}
        messages = [message for message in conversation.messages if message.message.event_id in counted]
        rows = dense_of(reading, said)
        for head in HEADS:
            places, dense, truths = collected[head.name]
            for at, truth in head_rows(head, messages):
                places.append(reading.text_index[at])
                dense.append(rows[at][: len(rows[at]) - head.unseen_columns])
                truths.append(truth)
    fitted = {}
    for head in HEADS:
        places, dense, truths = collected[head.name]
        rows_of_head = Rows(
            *(batch.spoken[head.side].texts, idfs[head.side]), np.array(places), np.array(dense), np.array(truths)
        )
        fitted[head.name] = fit_logistic(rows_of_head, _TEXT_PENALTY, _DENSE_PENALTY, _STEPS)
    return fitted


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
