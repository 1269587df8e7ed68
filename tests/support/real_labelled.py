"""Conversations of star and sgd, labelled as by a user: to fit a model on in a test, which throws the model away."""

import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from orchestration.classification.conversation import Message
from orchestration.classification.embedded.fitting import HeadRows, Prepared
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.classification.evaluation.real_sets import read_real_set
from orchestration.classification.labelled import LabelledConversation, LabelledMessage
from orchestration.configuration.label_stages import STAGES

_NEVER = 1 << 30


def read_real_labelled(folder: Path, seeds: Path) -> tuple[list[LabelledConversation], dict[str, frozenset[str]]]:
    """Return the conversations of a set with the labels after each message, and the groups of each (task, services).

    By the README of the set, whether an answer was all the customer wanted shows only when the customer leaves. Where
    nothing can be accepted, `resolved` is therefore undecided between the first proposal and the end.
    """
    _, wholes = read_real_set(folder, seeds)
    truths = {row["conversation_id"]: row for row in _rows(folder / "truth.jsonl.gz")}
    conversations, groups = [], {}
    for example in wholes.examples:
        truth = truths[example.example_id]
        names = truth.get("services") or [truth["task"]]
        groups[example.example_id] = frozenset(names)
        messages = tuple(
            LabelledMessage(message, _labels(truth, message), None) for message in example.conversation.messages
        )
        conversations.append(LabelledConversation(example.example_id, messages, names[0]))
    return conversations, groups


def prefixes_by_conversation(folder: Path, seeds: Path) -> dict[str, list[Example]]:
    """Return the unambiguous prefixes of each conversation."""
    prefixes, _ = read_real_set(folder, seeds)
    found: dict[str, list[Example]] = {}
    for example in prefixes.examples:
        found.setdefault(example.example_id.split("@")[0], []).append(example)
    return found


def shows_at_the_cut(truth: Mapping[str, Any]) -> bool:
    """Whether an SGD truth holds without knowing what comes: exactly one thing to carry out, whose notice ends it.

    Without any, or with another one asked for later, the same prefix is resolved or not by what the customer does next.
    """
    return len(truth["transactional"]) == 1


def truths_of(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the truth of each whole conversation."""
    return {row["conversation_id"]: row for row in _rows(folder / "truth.jsonl.gz")}


def dataset(name: str, examples: list[Example]) -> Dataset:
    """Name examples."""
    return Dataset(name, tuple(examples))


def without(prepared: Prepared, left_out: Collection[str]) -> Prepared:
    """Return what is prepared without some conversations: none of their labels is left, their words were counted.

    Reading everything again for each fold would take most of the time.
    """
    is_kept = np.array([row.conversation_id not in left_out for row in prepared.labelled])
    numbers = np.cumsum(is_kept) - 1
    rows = {}
    for name, found in prepared.rows.items():
        kept = is_kept[found.conversation]
        parts = (numbers[found.conversation[kept]], found.text_index[kept], found.dense[kept], found.truth[kept])
        rows[name] = HeadRows(*parts)
    labelled = [row for row, kept in zip(prepared.labelled, is_kept, strict=True) if kept]
    readings = [row for row, kept in zip(prepared.batch.readings, is_kept, strict=True) if kept]
    return replace(prepared, labelled=labelled, batch=replace(prepared.batch, readings=readings), rows=rows)


def _labels(truth: Mapping[str, Any], message: Message) -> dict[str, bool | None]:
    seqs, unknown = truth["stage_seq"], set(truth["stages_unknown"])
    labels: dict[str, bool | None] = {
        stage: None if stage in unknown else seqs.get(stage, _NEVER) <= message.seq
        for stage in STAGES
        if stage != "greeted"
    }
    labels["claimed_resolved"] = _claim(truth, message)
    waits_from = _waits_from(truth)
    if waits_from is not None and labels[waits_from] and (_is_thanks_only(truth) or not labels["resolved"]):
        labels["resolved"] = None
    return labels


def _is_thanks_only(truth: Mapping[str, Any]) -> bool:
    """Whether an SGD conversation carries nothing out: `resolved` rests on thanks then, which its README calls weak."""
    return "transactional" in truth and not truth["transactional"]


def _waits_from(truth: Mapping[str, Any]) -> str | None:
    """Return the stage from which on `resolved` depends on what the customer does next, None where a message shows it.

    With several things to carry out the truth calls the last notice the end, and the words of the first are the same.
    """
    if "solution_accepted" in truth["stages_unknown"] or _is_thanks_only(truth):
        return "solution_proposed"
    return "solution_accepted" if len(truth.get("transactional", ())) > 1 else None


def _claim(truth: Mapping[str, Any], message: Message) -> bool | None:
    """Return when the agent first claims success, where the truth states it: SGD's notices, STAR's bookings."""
    resolved_at = truth["stage_seq"].get("resolved", _NEVER)
    if "services" not in truth:
        is_told = not {"solution_accepted", "resolved"} & set(truth["stages_unknown"])
        return resolved_at <= message.seq if is_told else None
    if truth["notify_success"] == 0:
        return False
    if truth["notify_success"] == 1 and len(truth["transactional"]) == 1:
        return bool(resolved_at <= message.seq)
    return None


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
