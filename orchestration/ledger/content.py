"""What a labelling rests on, as one hash: an unchanged conversation is recognised, whatever else landed of it."""

import hashlib
import json
from dataclasses import dataclass

from orchestration.classification.conversation import Conversation, Message


@dataclass(frozen=True)
class StoredMessage:
    """A message with the two halves of its id; `message.event_id` is unique within its conversation only."""

    source: str
    event_id: str
    message: Message


@dataclass(frozen=True)
class StoredConversation:
    """A conversation as the warehouse holds it, its texts redacted.

    `source` and `conversation_id` are those of its first message; `redaction_count` is how many things the redactor
    took out of it. A conversation of which retention or an erasure has taken texts is_withheld: it is not labelled.
    """

    conversation_key: str
    source: str
    conversation_id: str
    messages: tuple[StoredMessage, ...]
    redaction_count: int
    is_withheld: bool

    @property
    def conversation(self) -> Conversation:
        """Return what a classifier is given."""
        return Conversation(self.conversation_key, tuple(stored.message for stored in self.messages))

    @property
    def content_hash(self) -> str:
        """Return the sha256 (hex) over the redacted messages in their order."""
        canonical = [
            [
                *(stored.source, stored.event_id),
                *(stored.message.event_type, stored.message.content, stored.message.tool_name),
                *(stored.message.is_error, stored.message.is_write),
            ]
            for stored in self.messages
        ]
        text = json.dumps(canonical, ensure_ascii=False, separators=(",", ":"))
        # A lone half of a surrogate pair is no text in UTF-8, but it can be landed.
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
