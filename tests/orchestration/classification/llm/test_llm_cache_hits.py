"""A text that is sent twice, word for word, is paid for once, whichever customer wrote it."""

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.excerpt import excerpt_of
from orchestration.classification.llm.schema import answer_text as spelled
from orchestration.classification.llm.schema import parse_answer
from orchestration.settings import PROJECT_DIR
from tests.support.llm_cases import (
    BOOKING_ANSWER,
    PRICE,
    FakeClock,
    after_probe,
    candidates,
    labeller,
    obedient,
    retold,
    talk,
)
from tests.support.llm_killed import COMMIT_EVERY, CONCURRENCY, DiskLog, bookings_retold
from tests.support.llm_server import Action, Answer, Hang, LlmServer, Request, Status, answer_text

CALL_USD = PRICE.cost_usd(800, 90)


def sent(conversation: Conversation) -> str:
    return excerpt_of(conversation, {}).excerpt_hash


def test_only_what_is_sent_counts() -> None:
    base = talk("a", "c My bill is wrong", "t get_bill", "a I will look into it.")
    said, looked_up, told = base.messages
    assert sent(retold(base, "b")) == sent(base)
    assert sent(Conversation("c", (said, replace(looked_up, content="40 euros"), told))) == sent(base)
    others = (
        (replace(said, content="My bill is right"), looked_up, told),
        (replace(said, role="agent"), looked_up, told),
        (said, told, looked_up),
        (said, replace(looked_up, tool_name="get_bills"), told),
        (said, replace(looked_up, is_error=True), told),
        (said, replace(looked_up, is_write=False), told),
        (said, looked_up),
    )
    assert len({sent(base), *(sent(Conversation("d", messages)) for messages in others)}) == 8


def test_secrets_do_not_tell_people_apart() -> None:
    lines = ("c write to {} please", "a Done.")
    one, other = (talk(name, *(line.format(f"{name}@mail.example") for line in lines)) for name in ("joe", "ann"))
    assert sent(one) == sent(other)


def test_what_is_left_out_in_the_middle_counts_as_a_number() -> None:
    middle = [f"c {number} and more" for number in range(30)]
    lines = ("c start", "c one", "c two", "c three", "c four", "c five", *middle, *(f"c end {n}" for n in range(14)))
    long, longer = talk("long", *lines), talk("longer", *lines[:26], "c between", *lines[26:])
    scores = {
        message.event_id: 1.0 for message in (*long.messages, *longer.messages) if "between" not in message.content
    }
    assert excerpt_of(long, scores).excerpt_hash != excerpt_of(longer, scores).excerpt_hash


def test_a_half_of_a_surrogate_pair_has_a_hash() -> None:
    broken = Conversation("a", (Message("e1", "user_message", "customer", "\ud83d", 1),))
    assert len(sent(broken)) == 64


def test_an_answer_is_kept_in_one_spelling_and_in_words_of_the_schema_only() -> None:
    loose = json.dumps(dict(reversed(json.loads(BOOKING_ANSWER).items())), indent=3)
    assert spelled(parse_answer(loose)) == spelled(parse_answer(BOOKING_ANSWER)) == BOOKING_ANSWER
    unknown = answer_text(resolved="unknown")
    assert parse_answer(spelled(parse_answer(unknown))) == parse_answer(unknown)


def test_sixty_of_two_hundred_say_what_others_said() -> None:
    log = MemoryLog()
    with LlmServer(obedient) as server:
        asking = labeller(server, log)
        everybody = bookings_retold(140, 60)
        estimate = asking.estimate(everybody, log)
        summary = asking.label(everybody)
        assert len(server.labelling_requests) == estimate.calls == 140
        assert (summary.counts["labelled"], summary.cache_hits, estimate.cache_hits) == (200, 60, 60)
        assert summary.cost_usd == pytest.approx(141 * CALL_USD)
        arrived = len(server.requests)
        again = asking.label(everybody)
        assert (again.counts["already_labelled"], again.calls, len(server.requests)) == (200, 0, arrived)
        # Later conversations have the same text: not even the first question is asked.
        later = candidates([retold(one.conversation, f"later-{n}") for n, one in enumerate(everybody)])
        assert (asking.estimate(later, log).calls, asking.estimate(later, log).cache_hits) == (0, 200)
        assert asking.label(later).cache_hits == 200
        assert len(server.requests) == arrived
    hits = [answer for answer in log.answers if answer.is_cache_hit]
    assert {(answer.cost_usd, answer.tokens_in, answer.tokens_out) for answer in hits} == {(0.0, 0, 0)}
    assert sum(answer.cost_usd for answer in log.answers) == pytest.approx(140 * CALL_USD)
    # Each names messages of its own.
    for answer in log.answers:
        name = answer.key.conversation_id
        assert answer.believed.answer.conversation_id == name
        shown = [label.evidence_event_id for label in answer.believed.answer.labels.values() if label.reached]
        assert all(event_id and event_id.startswith(f"{name}-e") for event_id in shown)
        assert answer.believed.answer.labels["solution_accepted"].evidence_event_id == f"{name}-e3"


def by_words(request: Request) -> Action:
    """Answer each text its own way, always the same."""
    choice = sum(request.user_text.encode()) % 3
    if request.is_probe or choice == 0:
        return obedient(request)
    return Answer(answer_text(problem_identified=("yes", "m2")) if choice == 1 else answer_text(resolved="unknown"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_comes_first_changes_no_label(seed: int) -> None:
    everybody = bookings_retold(12, 9)
    shuffled = random.Random(seed).sample(everybody, len(everybody))  # noqa: S311
    with LlmServer(by_words) as server:
        once, parted = MemoryLog(), MemoryLog()
        labeller(server, once).label(everybody)
        for part in (shuffled[:5], shuffled[5:]):
            labeller(server, parted, concurrency=1).label(part)
        assert len(server.labelling_requests) == 24
    labels = [{row.key: row.believed for row in log.answers} for log in (once, parted)]
    assert labels[0] == labels[1]
    assert len(labels[0]) == 21


def test_the_answer_is_held_against_each_conversation_by_itself() -> None:
    """Both are sent alike; only in one the agent claims success, in the middle, which is cut out."""
    chat = "All of the town was out in the sun, a nice day. "
    done = "I have booked your table, the reference is KX2. "

    def told(name: str, middle: str) -> Conversation:
        text = (20 * chat)[:820] + middle + (20 * chat)[:600]
        return talk(name, "c I need a table in town, at seven", f"a {text}", "c Yes, please do")

    log = MemoryLog()
    resolved = Answer(answer_text(solution_proposed=("yes", "m2"), resolved=("yes", "m2")))
    with LlmServer(after_probe(lambda _: resolved)) as server:
        labeller(server, log).label(candidates([told("done", done), told("idle", chat[: len(done)])]))
        assert len(server.labelling_requests) == 1
    believed = {row.key.conversation_id: row.believed for row in log.answers}
    assert believed["done"].answer.labels["resolved"].reached
    assert (believed["done"].kept, believed["idle"].kept) == ((), ("resolved",))
    assert not believed["idle"].answer.labels["resolved"].reached
    assert believed["idle"].needs_review
    assert believed["idle"].answer.labels["solution_proposed"].evidence_event_id == "idle-e2"


def test_a_failure_is_shared_too_until_it_is_time_to_try_again() -> None:
    log, clock = MemoryLog(), FakeClock()
    everybody = bookings_retold(1, 4)
    with LlmServer(after_probe(lambda _: Status(500))) as server:
        summary = labeller(server, log, clock).label(everybody[:4])
        assert summary.counts["dead_lettered"] == 4
        assert len(server.labelling_requests) == 5
        assert [letter.attempts for letter in log.dead_letters] == [5, 0, 0, 0]
        assert {letter.next_retry_at for letter in log.dead_letters} == {clock.now() + timedelta(hours=1)}
        # A later conversation waits with them.
        arrived = len(server.requests)
        assert labeller(server, log, clock).label(everybody).counts["dead_lettered"] == 1
        assert labeller(server, log, clock).estimate(everybody, log).calls == 0
        assert len(server.requests) == arrived
        clock.passed_seconds += 3_600
        # The next try is made for a new conversation, and still counts as the second.
        everybody = [*candidates([retold(everybody[0].conversation, "new")]), *everybody]
        labeller(server, log, clock).label(everybody)
        assert len(server.labelling_requests) == 10
    assert log.dead_letters[-1].next_retry_at == clock.now() + timedelta(hours=2)
    clock.passed_seconds += 7_200
    with LlmServer(obedient) as server:
        healed = labeller(server, log, clock).label(everybody)
        assert len(server.labelling_requests) == 1
    assert (healed.counts["labelled"], healed.cache_hits) == (6, 5)


def test_an_answer_refused_once_is_not_bought_again_for_a_repeat() -> None:
    log = MemoryLog()
    everybody = bookings_retold(1, 3)
    refused = Answer(answer_text(resolved=("yes", "m1")))
    with LlmServer(after_probe(lambda _: refused)) as server:
        for part in (everybody[:2], everybody[2:], everybody):
            labeller(server, log).label(part)
        assert len(server.labelling_requests) == 1
    assert [(letter.reason.value, letter.next_retry_at) for letter in log.dead_letters] == [
        ("evidence_refused", None)
    ] * 4


def test_a_refused_key_is_nobodys_failure() -> None:
    log, clock = MemoryLog(), FakeClock()
    everybody = bookings_retold(1, 2)
    with LlmServer(after_probe(lambda _: Status(401))) as server:
        assert labeller(server, log, clock).label(everybody).counts["fallen_back"] == 2
    with LlmServer(obedient) as server:
        assert labeller(server, log, clock).label(everybody).counts["labelled"] == 2


def test_a_cap_does_not_stand_in_the_way_of_what_costs_nothing() -> None:
    log = MemoryLog()
    everybody = bookings_retold(4, 3)
    with LlmServer(obedient) as server:
        labeller(server, log).label(everybody[:2])
        arrived = len(server.requests)
        summary = labeller(server, log, budget_usd_per_run=0).label(everybody)
        assert len(server.requests) == arrived
    assert summary.counts["already_labelled"] == 2
    assert summary.cache_hits == summary.counts["labelled"] == 2
    assert summary.reasons == {"budget_run": 3}


def test_another_definition_does_not_use_the_answers_of_the_first() -> None:
    log = MemoryLog()
    everybody = bookings_retold(2, 2)
    with LlmServer(obedient) as server:
        labeller(server, log).label(everybody)
        newer = labeller(server, log, model="newer")
        assert newer.estimate(everybody, log).calls == 2
        summary = newer.label(everybody, is_relabelling=True)
        assert len(server.labelling_requests) == 4
    assert (summary.counts["labelled"], summary.cache_hits) == (4, 2)


def test_after_a_kill_what_was_said_once_is_not_asked_again(tmp_path: Path) -> None:
    path, killed = tmp_path / "log", list[int]()

    def kill_in_the_middle(request: Request) -> Action:
        if request.number == 15 and not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            return Hang()
        return obedient(request)

    with LlmServer(kill_in_the_middle) as server:
        arguments = f"{server.base_url!r}, {str(path)!r}, 30, 20"
        call = f"from tests.support.llm_killed import label_on_disk; label_on_disk({arguments})"
        process = subprocess.Popen([sys.executable, "-c", call], cwd=PROJECT_DIR)
        assert process.wait() == -signal.SIGKILL
        arrived = {request.user_text for request in server.labelling_requests}
    committed = DiskLog(path)
    kept = {answer.excerpt_hash for answer in committed.answers}
    assert 0 < len(kept) < 30
    assert len(arrived) - len(kept) <= COMMIT_EVERY + CONCURRENCY
    with LlmServer(obedient) as server:
        labeller(server, committed).label(bookings_retold(30, 20))
        assert len(server.labelling_requests) == 30 - len(kept)
    assert len({answer.key for answer in committed.answers}) == len(committed.answers) == 50
