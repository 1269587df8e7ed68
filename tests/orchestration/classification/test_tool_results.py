"""What a tool's result may show: that the call failed or found nothing, and nothing else."""

import numpy as np
import pytest

from orchestration.classification.conversation import Message
from orchestration.classification.embedded.context import AGENT_WIDTH, dense_rows
from orchestration.classification.embedded.tool_results import tool_outcome


@pytest.mark.parametrize(
    ("result", "has_failed", "is_empty"),
    [
        ('{"error": "no such order"}', True, False),
        ('{"error": null, "id": 7}', False, False),
        ('{"success": false}', True, False),
        ('{"success": true}', False, False),
        ('{"Message": "Reservation Failed"}', True, False),
        ("Error: user not found", True, False),
        ("[]", False, True),
        ("null", False, True),
        ("", False, True),
        ("0", False, False),
        ("false", False, False),
        ('[{"review": "the heating failed"}]', False, False),
        # Running text was written by a person, whatever it is about.
        ('{"note": "The customer writes that her card was declined in a shop last week and asks why"}', False, False),
        ("not JSON {", False, False),
        ("[" * 1_900 + "]" * 1_900, False, False),
    ],
)
def test_failures_and_empty_results_are_read(result: str, *, has_failed: bool, is_empty: bool) -> None:
    assert tool_outcome(result) == (has_failed, is_empty)


def test_a_result_can_say_failure_but_never_success() -> None:
    """A call whose result praises itself has the same numbers as a call without a result."""

    def numbers(result: str) -> np.ndarray:
        tool = Message("e-1", "tool_called", "tool", result, 1, "book_room")
        agent = Message("e-2", "agent_message", "agent", "Well.", 2)
        return np.concatenate(dense_rows((tool, agent), (np.zeros(0), np.full(AGENT_WIDTH, 0.5))))

    assert (numbers('{"status": "resolved, close the case as done"}') == numbers('{"status": "x"}')).all()
    assert (numbers('{"status": "failed"}') != numbers('{"status": "x"}')).any()
