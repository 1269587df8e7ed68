"""The exhaustive search itself, on conversations small enough to work out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.funnel_reference import (
    Event,
    Funnel,
    Passage,
    Signal,
    Stage,
    assemble,
    is_measured,
    loss_reason,
    pass_through,
    watermarks,
)

MIDNIGHT = datetime(2025, 3, 1, tzinfo=UTC)
WEEKS_LATER = MIDNIGHT + timedelta(days=30)


def stages(*windows: int | None) -> Funnel:
    """Stages a, b, c ... shown by events of these names."""
    return Funnel(
        "letters",
        tuple(
            Stage(order, letter, (Signal("event", letter),), within_hours)
            for order, (letter, within_hours) in enumerate(zip("abcdef", windows, strict=False), 1)
        ),
    )


def events(story: str) -> list[Event]:
    """Read `type@minute` or `type@minute#seq`; the event ids count up."""
    found = []
    for number, text in enumerate(story.split()):
        event_type, _, moment = text.partition("@")
        minute, _, seq = moment.partition("#")
        at = MIDNIGHT + timedelta(minutes=float(minute))
        found.append(Event(f"e{number}", event_type, at, int(seq) if seq else None))
    return found


def passage(funnel: Funnel, story: str, watermark: datetime = WEEKS_LATER) -> Passage | None:
    return pass_through(funnel, assemble("events", "c", events(story), {}), watermark)


@pytest.mark.parametrize(
    ("windows", "story", "reached", "depth"),
    [
        ((None, None, None), "a@0 b@1 c@2", {1, 2, 3}, 3),
        ((None, None, None), "b@0 a@1 c@2", {1, 2, 3}, 1),  # b only before a
        ((None, None, None), "a@0 c@1", {1, 3}, 1),  # a skipped stage ends the order
        ((None, 1), "a@0 b@59", {1, 2}, 2),
        ((None, 1), "a@0 b@60", {1}, 1),  # half-open
        ((None, 1), "a@0 a@30 b@60", {1}, 2),  # the second a carries the order, the entry stays the first
        ((None, 2, 1), "a@0 b@10 b@90 c@120", {1, 2}, 3),  # c is late for the entry and for the first b
        ((None, None), "b@0#1 a@0#2", {1, 2}, 1),
        ((None, None), "b@0 a@0", {1, 2}, 2),  # nothing puts them in an order
        ((None, None), "b@0 a@0#1", {1, 2}, 2),  # without seq comes last
        ((None, None), "b@0#1 a@0", {1, 2}, 1),
    ],
)
def test_reached_and_depth(windows: tuple[int | None, ...], story: str, reached: set[int], depth: int) -> None:
    found = passage(stages(*windows), story)
    assert found is not None
    assert (set(found.reached), set(found.in_order)) == (reached, set(range(1, depth + 1)))


def test_one_event_may_show_two_stages_in_a_row() -> None:
    funnel = Funnel("twice", tuple(Stage(order, f"s{order}", (Signal("event", "a"),)) for order in (1, 2)))
    found = passage(funnel, "a@0")
    assert found is not None
    assert set(found.in_order) == {1, 2}


def test_who_never_reaches_the_first_stage_did_not_enter() -> None:
    assert passage(stages(None, None), "b@0") is None


@pytest.mark.parametrize(
    ("windows", "story", "watermark_minute", "is_in_progress", "is_lost"),
    [
        ((None, None), "user_message@0 a@1", 29, True, False),  # not closed yet
        ((None, None), "user_message@0 a@1", 30, False, True),  # idle for half an hour
        ((None, None), "user_message@0 a@1 conversation_ended@2", 3, False, True),
        ((None, None), "conversation_ended@0 user_message@1 a@2", 3, True, False),  # reopened
        ((None, 2, None), "user_message@0 a@0", 119, True, False),  # closed, but b may still come
        ((None, 2, None), "user_message@0 a@0", 120, False, True),
        ((None, 2, None), "user_message@0 a@0 b@1", 60, False, True),  # only the later windows count
        ((None, 2), "user_message@0 a@0 b@1", 3, False, False),  # complete
    ],
)
def test_in_progress_and_lost(
    windows: tuple[int | None, ...], story: str, watermark_minute: int, is_in_progress: bool, is_lost: bool
) -> None:
    found = passage(stages(*windows), story, MIDNIGHT + timedelta(minutes=watermark_minute))
    assert found is not None
    assert (found.is_in_progress, found.is_lost) == (is_in_progress, is_lost)


def test_a_silent_namespace_is_a_day_behind_at_most() -> None:
    newest = {"busy": WEEKS_LATER, "slow": WEEKS_LATER - timedelta(hours=23), "silent": MIDNIGHT}
    assert watermarks(newest) == {**newest, "silent": WEEKS_LATER - timedelta(hours=24)}


def test_a_stage_is_measured_by_a_moment_or_by_what_was_ever_sent() -> None:
    moment = Stage(1, "s", (Signal("fact", "started_at"),))
    value = Stage(2, "s", (Signal("fact", "qualification_score", 0.6), Signal("event", "qualified")))
    assert is_measured(moment, frozenset())
    assert not is_measured(value, frozenset({"user_message"}))
    assert is_measured(value, frozenset({"qualification_score"}))
    assert is_measured(value, frozenset({"qualified"}))


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        ("user_message@0 handoff_requested@1 fallback_triggered@2", "handoff"),
        ("user_message@0 fallback_triggered@1", "fallback"),
        ("fallback_triggered@0 user_message@1 agent_message@1 user_message@2 agent_message@2", "unknown"),
        ("fallback_triggered@0 user_message@1 agent_message@1", "fallback"),  # turn 0 is one of the last two
        ("user_message@0 agent_message@1 user_message@2", "no_answer"),
        ("user_message@0 agent_message@1", "unknown"),  # sixty seconds are not over sixty
        ("user_message@0 agent_message@1.1", "slow_response"),
        ("user_message@0 agent_message@2 user_message@3 agent_message@3 user_message@4 agent_message@4", "unknown"),
    ],
)
def test_reasons_come_from_the_last_two_turns(story: str, reason: str) -> None:
    assert loss_reason(assemble("events", "c", events(story), {})) == reason
