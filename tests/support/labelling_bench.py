"""`python -m tests.support.labelling_bench`: how fast the embedded model answers, beside what cutting into words costs.

CPU seconds of one process; the ratio to tokenising is what stays the same from machine to machine.
"""

import re
import sys
import time
from collections.abc import Callable, Sequence

from orchestration.labelling.agent_text import unwrap
from orchestration.labelling.conversation import Conversation, Message
from orchestration.labelling.embedded.shipped import classify_by_model
from orchestration.labelling.rules import classify_by_rules
from orchestration.labelling.training.corpus import training_conversations

# SGD's conversations have 23 events of 10 words on average; composed ones are joined until they are as long.
MESSAGES = 23
CONVERSATIONS = 1_000
PREFIXES = 200
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
        found.append(Conversation(f"bench-{number}", tuple(lines[:messages])))
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
    least = cpu_seconds(lambda: tokenise(conversations))
    print(f"{CONVERSATIONS:,} conversations of {MESSAGES} messages, {tokenise(conversations):,} words; CPU seconds")
    print("| work | conversations per CPU second | times the cost of tokenising |\n| --- | --- | --- |")
    for name, work in (("tokenising", tokenise), ("rules", classify_by_rules), ("embedded model", classify_by_model)):
        seconds = cpu_seconds(lambda work=work: work(conversations))  # type: ignore[misc]
        print(f"| {name} | {CONVERSATIONS / seconds:,.0f} | {seconds / least:.1f} |")
    single = sorted(
        cpu_seconds(lambda one=one: classify_by_model([one]), rounds=1)  # type: ignore[misc]
        for one in conversations[:PREFIXES]
    )
    print(f"One conversation alone: p95 {1_000 * single[int(0.95 * len(single))]:.1f} ms of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
