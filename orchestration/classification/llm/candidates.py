"""Conversations to ask about, and the part of them that is sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestration.classification.conversation import Conversation, StageAnswer
from orchestration.classification.embedded.model import Model
from orchestration.classification.llm.call_log import ContentKey
from orchestration.classification.llm.corroboration import Support, supports
from orchestration.classification.llm.excerpt import Excerpt, excerpt_of

_BATCH_CONVERSATIONS = 256


@dataclass(frozen=True)
class Candidate:
    """A closed conversation, the hash of its content, and the embedded answer, which stays where the LLM has none."""

    conversation: Conversation
    content_hash: str
    embedded: StageAnswer

    @property
    def key(self) -> ContentKey:
        """Conversation and content, by which the ledger knows it."""
        return ContentKey(self.conversation.conversation_id, self.content_hash)


@dataclass(frozen=True)
class ReadCandidate:
    """A candidate with what its agent's side supports and the part of it that is sent."""

    candidate: Candidate
    support: Support
    excerpt: Excerpt

    @property
    def conversation_id(self) -> str:
        """Return the id of the conversation."""
        return self.candidate.conversation.conversation_id


def read(model: Model, candidates: Sequence[Candidate]) -> Iterator[ReadCandidate]:
    """Yield the candidates in their order; a batch at a time."""
    for start in range(0, len(candidates), _BATCH_CONVERSATIONS):
        part = candidates[start : start + _BATCH_CONVERSATIONS]
        found = supports(model, [candidate.conversation for candidate in part])
        for candidate, support in zip(part, found, strict=True):
            yield ReadCandidate(candidate, support, excerpt_of(candidate.conversation, support.scores))


def by_excerpt(candidates: Iterable[ReadCandidate]) -> dict[str, list[ReadCandidate]]:
    """Group the candidates of which the same is sent, by the hash of their excerpt: one answer is for all of them."""
    groups: dict[str, list[ReadCandidate]] = {}
    for one in candidates:
        groups.setdefault(one.excerpt.excerpt_hash, []).append(one)
    return groups
