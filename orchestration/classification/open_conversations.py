"""Finds running conversations in which the agent gets nowhere, in what is published: no run writes that file."""

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import duckdb

from orchestration.classification.conversation import Classifier, Message, Role
from orchestration.classification.misunderstandings import Signal
from orchestration.classification.realtime import EXCHANGES, classify_prefix

# The newest ones: a customer who wrote long ago can no longer be helped.
LOOKED_AT = 1_000
_ROLES: dict[str, Role] = {"customer": "customer", "agent": "agent"}
_MESSAGES = """
    with open_conversations as (
        select conversation_key, fallback_turn_count >= answered_turn_count as is_all_fallback, last_interaction_at
        from marts.fct_conversations
        where outcome = 'in_progress' and purpose = 'support' and answered_turn_count >= $exchanges
        order by last_interaction_at desc, conversation_key
        limit $looked_at
    )
    select conversation_key, is_all_fallback, message_key, sender_role, coalesce(content, ''), sequence_number
    from open_conversations
    left join marts.fct_messages using (conversation_key)
    order by last_interaction_at desc, conversation_key, sequence_number
"""


@dataclass(frozen=True)
class Unidentified:
    """An open conversation whose problem is not identified after three exchanges, and the signal that shows it."""

    conversation_key: str
    signal: Signal | str


def find_unidentified(published: Path, classify: Classifier) -> list[Unidentified]:
    """Return those of the newest open support conversations, newest first; `published` is the folder of the versions.

    Where every answered turn had a fallback event, the events decide; else the texts do. Raises duckdb.Error when
    nothing is published.
    """
    with duckdb.connect(str(published / "colloquy.duckdb"), read_only=True) as connection:
        rows = connection.execute(_MESSAGES, {"exchanges": EXCHANGES, "looked_at": LOOKED_AT}).fetchall()
    found = []
    for (key, is_all_fallback), lines in groupby(rows, key=itemgetter(0, 1)):
        if is_all_fallback:
            found.append(Unidentified(key, "fallback_event"))
            continue
        messages = [
            Message(message_key, f"{'user' if role == 'customer' else role}_message", _ROLES[role], content, seq)
            for _, _, message_key, role, content, seq in lines
            if message_key is not None
        ]
        answer = classify_prefix(messages, classify)
        if answer.is_unidentified_after_three_exchanges and answer.signal is not None:
            found.append(Unidentified(key, answer.signal))
    return found
