"""`make bench-labels`: how fast the embedded model answers, compared with the cost of tokenising.

CPU seconds of one process; the ratio to tokenising is what stays the same from machine to machine.
"""

import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.embedded.shipped import classify_by_model
from orchestration.classification.realtime import classify_prefix
from orchestration.classification.rules import classify_by_rules
from orchestration.classification.training.corpus import training_conversations

# SGD's conversations have 23 events of 10 words on average; composed ones are joined until they are as long.
MESSAGES = 23
CONVERSATIONS = 1_000
# So many of the conversations are followed message by message.
FOLLOWED = 20
_ROUNDS = 3
_WORD = re.compile(r"\w+")


def conversations_of_size(messages: int, count: int) -> list[Conversation]:
    """Return conversations of exactly `messages` messages, each joined from composed ones of one language."""
    pool = [row.messages for row in training_conversations(seed=11) if row.conversation_id.startswith("en-")]
    found: list[Conversation] = []
    drawn = 0
    for number in range(count):
        lines: list[Message] = []
        while len(lines) < messages:
            lines += [labelled.message for labelled in pool[drawn % len(pool)]]
            drawn += 1
        ordered = [replace(line, event_id=f"m{seq}", seq=seq) for seq, line in enumerate(lines[:messages])]
        found.append(Conversation(f"bench-{number}", tuple(ordered)))
    return found


def tokenise(conversations: Sequence[Conversation]) -> int:
    """Count the words of all texts: the least any classifier of texts must do."""
    return sum(
        len(_WORD.findall(unwrap(message.content).lower()))
        for conversation in conversations
        for message in conversation.messages
    )


def cpu_seconds(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Return the CPU seconds of the fastest of some rounds."""
    return min(_once(work) for _ in range(rounds))


def _once(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> int:
    """Print the table; always 0, because a busy machine is no failure."""
    conversations = conversations_of_size(MESSAGES, CONVERSATIONS)
    classify_by_model(conversations[:1])
    # Before everything else: in a running chat, nothing of it is in a cache of other work.
    prefixes = [one.messages[:end] for one in conversations[:FOLLOWED] for end in range(1, MESSAGES + 1)]
    seconds_prefix = [_once(lambda one=one: classify_prefix(one)) for one in prefixes]  # type: ignore[misc]
    least = cpu_seconds(lambda: tokenise(conversations))
    print(f"{CONVERSATIONS:,} conversations of {MESSAGES} messages, {tokenise(conversations):,} words; CPU seconds")
    print("| work | conversations per CPU second | times the cost of tokenising |\n| --- | --- | --- |")
    for name, work in (("tokenising", tokenise), ("rules", classify_by_rules), ("embedded model", classify_by_model)):
        seconds = cpu_seconds(lambda work=work: work(conversations))  # type: ignore[misc]
        print(f"| {name} | {CONVERSATIONS / seconds:,.0f} | {seconds / least:.1f} |")
    seconds_alone = [_once(lambda one=one: classify_by_model([one])) for one in conversations]  # type: ignore[misc]
    print(f"One conversation alone: {percentiles_ms(seconds_alone)}")
    print(f"classify_prefix, {len(prefixes)} prefixes of 1 to {MESSAGES} messages: {percentiles_ms(seconds_prefix)}")
    return 0


def percentiles_ms(seconds: Sequence[float]) -> str:
    """Return median and 95th percentile as text."""
    ordered = sorted(seconds)
    middle, late = (1_000 * ordered[int(share * len(ordered))] for share in (0.5, 0.95))
    return f"median {middle:.1f} ms, p95 {late:.1f} ms of CPU"


if __name__ == "__main__":
    sys.exit(main())
