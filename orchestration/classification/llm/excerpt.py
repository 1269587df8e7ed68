"""What of a conversation is sent: redacted, shortened, without ids and without what tools returned."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.llm.schema import MOST_MESSAGES, REFERENCES
from orchestration.redaction.redactor import redact

# Raised with every change of what is sent of a conversation.
EXCERPT_VERSION = 1
MOST_CHARACTERS = 1200
_HEAD_MESSAGES, _TAIL_MESSAGES = 6, 14
_HEAD_CHARACTERS = 800
_CUT = " [...] "
_QUOTE_CHARACTERS = 200
TOOL_CALLED = "tool_called"


@dataclass(frozen=True)
class Excerpt:
    """A conversation as it is sent: `messages` has the redacted message behind each reference.

    `redaction_count` is how many things were taken out of all its messages, those not sent included.
    """

    conversation_id: str
    messages: Mapping[str, Message]
    omitted_before: Mapping[str, int]
    redaction_count: int
    is_truncated: bool

    def as_json(self) -> str:
        """Return the messages as the JSON array that the model reads."""
        rows: list[dict[str, Any]] = []
        for reference, message in self.messages.items():
            if omitted := self.omitted_before.get(reference):
                rows.append({"omitted_messages": omitted})
            rows.append(_row(reference, message))
        return json.dumps(rows, ensure_ascii=False)

    @property
    def excerpt_hash(self) -> str:
        """Return the sha256 (hex) over what is sent: conversations that share it ask the same question.

        Messages are named by their place and secrets by placeholders, so nothing in it identifies the conversation.
        """
        return hash_of(self.as_json())

    def quote(self, reference: str) -> str:
        """Return the words that show something: the beginning of the redacted message, verbatim."""
        content = self.messages[reference].content
        spoken = unwrap(content).strip().partition("\n")[0][:_QUOTE_CHARACTERS]
        # Words taken out of a JSON envelope may be escaped there.
        return spoken if spoken in content else content[:_QUOTE_CHARACTERS]


def hash_of(sent: str) -> str:
    """Return the sha256 (hex) of an excerpt as it is sent."""
    # A lone half of a surrogate pair is no text in UTF-8, but it can be landed.
    return hashlib.sha256(sent.encode("utf-8", "surrogatepass")).hexdigest()


def excerpt_of(conversation: Conversation, scores: Mapping[str, float]) -> Excerpt:
    """Redact a conversation, then keep its head, its tail and the messages with the highest scores (by event_id)."""
    redacted = [_redacted(message) for message in conversation.messages if _counts(message)]
    kept = _selection([message for message, _ in redacted], scores)
    before, previous = {}, -1
    for reference, at in zip(REFERENCES, kept, strict=False):
        before[reference] = at - previous - 1
        previous = at
    messages = {reference: redacted[at][0] for reference, at in zip(REFERENCES, kept, strict=False)}
    return Excerpt(
        conversation.conversation_id,
        messages,
        {reference: count for reference, count in before.items() if count},
        sum(count for _, count in redacted),
        is_truncated=len(kept) < len(redacted) or any(len(_text(one)) > MOST_CHARACTERS for one in messages.values()),
    )


def _counts(message: Message) -> bool:
    return message.role in {"customer", "agent"} or message.event_type == TOOL_CALLED


def _redacted(message: Message) -> tuple[Message, int]:
    # The result of a tool is neither a text nor an act of the agent, and may hold anything: it is not sent.
    content = redact("" if message.event_type == TOOL_CALLED else message.content)
    name = None if message.tool_name is None else redact(message.tool_name)
    changed = replace(message, content=content.text, tool_name=name.text if name else None)
    return changed, content.count + (name.count if name else 0)


def _selection(messages: list[Message], scores: Mapping[str, float]) -> list[int]:
    if len(messages) <= MOST_MESSAGES:
        return list(range(len(messages)))
    ends = {*range(_HEAD_MESSAGES), *range(len(messages) - _TAIL_MESSAGES, len(messages))}
    middle = [at for at in range(len(messages)) if at not in ends]
    best = sorted(middle, key=lambda at: (-scores.get(messages[at].event_id, 0.0), at))
    return sorted(ends | set(best[: MOST_MESSAGES - len(ends)]))


def _text(message: Message) -> str:
    return unwrap(message.content) if message.role == "agent" else message.content


def _row(reference: str, message: Message) -> dict[str, Any]:
    if message.event_type == TOOL_CALLED:
        return {
            **{"id": reference, "from": "tool", "tool": message.tool_name, "failed": message.is_error},
            "changes_something": message.is_write,
        }
    return {"id": reference, "from": message.role, "text": _shortened(_text(message))}


def _shortened(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[:_HEAD_CHARACTERS] + _CUT + text[-(MOST_CHARACTERS - _HEAD_CHARACTERS - len(_CUT)) :]
