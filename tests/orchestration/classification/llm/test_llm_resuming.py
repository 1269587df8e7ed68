"""Nothing is paid for twice: not by a second run, not after kill -9, and again only when asked to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from orchestration.classification.llm.call_log import MemoryLog
from orchestration.settings import PROJECT_DIR
from tests.support.llm_cases import labeller, obedient
from tests.support.llm_killed import COMMIT_EVERY, CONCURRENCY, DiskLog, bookings
from tests.support.llm_server import Action, Hang, LlmServer, Request

CONVERSATIONS, KILLED_AT = 30, 15


def test_a_second_run_asks_nothing() -> None:
    log = MemoryLog()
    with LlmServer(obedient) as server:
        labeller(server, log).label(bookings(10))
        arrived = len(server.requests)
        summary = labeller(server, log).label(bookings(10))
        assert len(server.requests) == arrived
    assert (summary.counts["already_labelled"], summary.calls, summary.cost_usd) == (10, 0, 0)


def test_another_definition_buys_history_again_only_when_asked_to() -> None:
    log = MemoryLog()
    with LlmServer(obedient) as server:
        labeller(server, log).label(bookings(3))
        changed = labeller(server, log, model="newer")
        assert changed.label(bookings(4)).counts["labelled"] == 1
        assert changed.label(bookings(4), is_relabelling=True).counts["labelled"] == 3
        assert changed.label(bookings(4), is_relabelling=True).calls == 0
    assert len({answer.definition_hash for answer in log.answers}) == 2


def test_after_a_kill_no_committed_call_is_repeated(tmp_path: Path) -> None:
    path = tmp_path / "log"
    killed: list[int] = []

    def kill_in_the_middle(request: Request) -> Action:
        if request.number == KILLED_AT and not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            return Hang()
        return obedient(request)

    with LlmServer(kill_in_the_middle) as server:
        arguments = f"{server.base_url!r}, {str(path)!r}, {CONVERSATIONS}"
        call = f"from tests.support.llm_killed import label_on_disk; label_on_disk({arguments})"
        process = subprocess.Popen([sys.executable, "-c", call], cwd=PROJECT_DIR)
        assert process.wait() == -signal.SIGKILL
        arrived = {request.user_text for request in server.labelling_requests}
    committed = DiskLog(path)
    kept = {answer.key.conversation_id for answer in committed.answers}
    assert 0 < len(kept) < CONVERSATIONS
    assert len(arrived) - len(kept) <= COMMIT_EVERY + CONCURRENCY
    with LlmServer(obedient) as server:
        summary = labeller(server, committed).label(bookings(CONVERSATIONS))
        asked = {request.user_text for request in server.labelling_requests}
    assert len(asked) == CONVERSATIONS - len(kept)
    assert not any(f"reference is KX{name.removeprefix('booking-')}." in text for name in kept for text in asked)
    assert (summary.counts["already_labelled"], summary.counts["labelled"]) == (len(kept), CONVERSATIONS - len(kept))
    assert len({answer.key for answer in committed.answers}) == len(committed.answers) == CONVERSATIONS
