"""The marts against the truth of a simulated world, exactly: a difference is a fault of loader, model or truth.

The simulator writes the truth before the events and shares no code with what is tested here.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import sqrt
from pathlib import Path

import pytest

from orchestration.ledger.labellers import Labeller, default_labeller
from orchestration.settings import PROJECT_DIR
from orchestration.simulation.demo_seeds import write_demo_seeds
from orchestration.simulation.simulator import simulate
from tests.support import truth as scoring
from tests.support.labellers import undecided_labeller
from tests.support.truth_files import read_lines, read_object
from tests.support.warehouse import WarehouseUnderTest

# Two-sided 99.9 % of the normal distribution.
Z_999 = 3.2905

# What the design promises by name; dashboards are built on them.
PUBLISHED_METRICS = frozenset(
    {
         "total_conversations", "total_sessions", "engaged_conversations", "interactions", "completion_rate",
         "abandonment_rate", "handoff_rate", "escalation_rate", "contained_rate", "resolution_rate",
         "proven_resolution_rate", "resolution_rate_upper", "claimed_resolution_rate",
         "durable_resolution_rate_24h", "durable_resolution_rate_72h",
         "durable_resolution_rate_7d", "first_contact_resolution_rate", "avg_turns", "avg_messages_per_session",
         "avg_duration_seconds", "avg_session_duration_seconds", "avg_first_response_ms", "fallback_rate",
         "fallback_conversation_rate", "tool_error_rate", "rephrase_rate", "rephrase_abandonment_rate",
         "rephrased_three_times_and_left_rate", "conversion_rate", "avg_satisfaction_score", "avg_csat",
         "feedback_response_rate", "sentiment_average", "avg_resolution_score", "avg_efficiency_score",
         "avg_sentiment_score", "avg_goal_completion_score", "response_rate", "qualification_rate", "booking_rate",
         "show_rate", "deal_conversion_rate", "overall_conversion_rate", "interaction_rate", "page_abandonment_rate",
         "visitor_interaction_rate", "visitor_page_abandonment_rate", "cost_usd", "cost_per_resolution_usd",
         "cost_per_durable_resolution_usd",
    }
)  # fmt: skip

Score = Callable[[WarehouseUnderTest, Path], list[str]]


@dataclass(frozen=True)
class World:
    """A simulated world: how much of it, and until which day (not included)."""

    conversations: int
    days: int
    end: date


@dataclass(frozen=True)
class Demo:
    """A built warehouse and the truth it is scored against."""

    world: World
    warehouse: WarehouseUnderTest
    truth: Path


SMALL = World(conversations=1_500, days=20, end=date(2026, 1, 1))
# The world of `make demo`.
WHOLE = World(conversations=20_000, days=60, end=date(2026, 5, 1))


WORLDS = [pytest.param(SMALL, id="small"), pytest.param(WHOLE, id="whole", marks=pytest.mark.full)]


@pytest.fixture(scope="module", params=WORLDS)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    yield built(request.param, folder, undecided_labeller())
    shutil.rmtree(folder)


def built(world: World, folder: Path, labeller: Labeller) -> Demo:
    """Simulate a world, load and build it."""
    write_demo_seeds(PROJECT_DIR / "seeds", folder / "demo-seeds", days=world.days, end=world.end)
    simulate(folder / "landing", folder / "truth", days=world.days, conversations=world.conversations, end=world.end)
    overrides = {path.name: path.read_text() for path in (folder / "demo-seeds").iterdir()}
    warehouse = WarehouseUnderTest(folder, overrides, labeller=labeller, labelled_at_once=5_000)
    warehouse.land(now=datetime.combine(world.end, time(12), UTC))
    warehouse.build()
    return Demo(world, warehouse, folder / "truth")


def assert_true(demo: Demo, score: Score) -> None:
    """Fail with the differences, counted per column."""
    found = score(demo.warehouse, demo.truth)
    assert not found, scoring.told(found)


def test_every_line_is_accounted_for(demo: Demo) -> None:
    assert_true(demo, scoring.file_differences)


def test_conversations_are_as_they_were_planned(demo: Demo) -> None:
    scored, missing = scoring.shared_columns(demo.warehouse, demo.truth)
    assert not missing
    assert {"outcome", "started_at", "ended_at", "resolved_at", "rating", "model", "first_response_ms"} <= scored
    assert_true(demo, scoring.conversation_differences)


def test_funnel_stages_are_reached_when_they_were(demo: Demo) -> None:
    assert_true(demo, scoring.stage_differences)


def test_interactions_are_as_they_were_shown(demo: Demo) -> None:
    assert_true(demo, scoring.interaction_differences)


def test_flows_end_as_they_did(demo: Demo) -> None:
    assert demo.warehouse.rows("select count(*) from marts.fct_flows") > [(20,)]
    assert_true(demo, scoring.flow_differences)


def test_months_count_widgets_days_and_visitors(demo: Demo) -> None:
    assert_true(demo, scoring.month_differences)


def test_exposures_are_the_first_ones(demo: Demo) -> None:
    assert_true(demo, scoring.exposure_differences)


def test_daily_metrics_count_what_happened(demo: Demo) -> None:
    assert_true(demo, scoring.metric_differences)


def test_rephrases_are_found_as_far_as_words_tell_and_none_is_invented(demo: Demo) -> None:
    """Half of the repeating customers keep their words; three in ten of all keep enough of them to be detected."""
    counts = scoring.rephrase_counts(demo.warehouse, demo.truth)
    closed = [one for one in counts if one.is_closed]
    for name, least in (("rephrase_abandonment_rate", 2), ("rephrased_three_times_and_left_rate", 3)):
        left = [one for one in closed if one.outcome == "abandoned"]
        true = sum(one.meant >= least for one in left) / len(closed)
        measured = sum(one.found >= least for one in left) / len(closed)
        print(f"{name}: true {true:.4f}, measured {measured:.4f}")
    meant, found = sum(one.meant for one in counts), sum(one.found for one in counts)
    print(f"rephrases: {meant} meant, {found} found, {found / meant:.1%}")
    assert not [one for one in counts if one.found > one.meant]
    assert 0.15 < found / meant < 0.5


def test_there_is_no_day_beyond_the_true_ones(demo: Demo) -> None:
    days = read_object(demo.truth / "metrics.json")["days"]
    assert demo.warehouse.rows(
        "select min(date), max(date), count(distinct date) from marts.metrics_daily where segment = 'all'"
    ) == [(date.fromisoformat(min(days)), date.fromisoformat(max(days)), demo.world.days)]


def test_every_metric_is_defined_and_measured_and_no_other(demo: Demo) -> None:
    days = read_object(demo.truth / "metrics.json")["days"]
    goals = {f"conversion_rate:{goal}" for counts in days.values() for goal in counts["conversions"]}
    defined = {name for (name,) in demo.warehouse.rows("select metric_name from seeds.metric_definitions")}
    assert defined > PUBLISHED_METRICS
    query = "select metric_name, count(value) from marts.metrics_daily where segment = 'all' group by all"
    measured = dict(demo.warehouse.rows(query))
    assert measured.keys() == (defined - {"conversion_rate:<goal>"}) | goals
    assert [name for name, days_with_a_value in measured.items() if not days_with_a_value] == []
    # Each of them is held against the truth or the ledger, two in a test of their own.
    scored = {name for _, name in scoring.true_metrics(demo.warehouse, demo.truth)}
    assert measured.keys() - scored == {"avg_duration_seconds", "avg_session_duration_seconds"}


def test_durations_are_means_in_seconds(demo: Demo) -> None:
    """The conversations are exact, so their means are what the metrics must show."""
    differing = demo.warehouse.rows(
        """
        with days as (
            select
                conversation_date as date,
                avg(epoch_us(completed_at) - epoch_us(started_at)) filter (is_engaged and is_closed) / 1e6
                    as avg_duration_seconds,
                avg(session_seconds) as avg_session_duration_seconds
            from marts.fct_conversations group by all
        ),
        expected as (
            unpivot days on avg_duration_seconds, avg_session_duration_seconds into name metric_name value mean
        )
        select date, metric_name, mean, value
        from expected left join marts.metrics_daily using (date, metric_name)
        where segment = 'all' and (value is null or abs(value - mean) > 1e-6 * mean)
        """
    )
    assert not differing


@pytest.mark.parametrize("world", WORLDS)
def test_with_the_shipped_model_the_true_rate_lies_between_proven_and_upper(tmp_path: Path, world: World) -> None:
    """Some are solved in words alone: of those that count by a label alone nine in ten are."""
    demo = built(world, tmp_path, default_labeller(tmp_path / "none"))
    solved = {row["conversation_key"]: row["is_solved"] for row in read_lines(demo.truth / "conversations.jsonl")}
    rows = demo.warehouse.rows(
        """select conversation_key, is_resolved, outcome_reason
        from marts.fct_conversations where is_engaged and is_closed"""
    )
    counted = [solved[key] for key, _, reason in rows if reason == "classified_resolved"]
    unsure = [solved[key] for key, _, reason in rows if reason == "unsure"]
    assert len(counted) > len(rows) / 50
    assert len(unsure) > len(rows) / 100
    # What is left out is left out for a reason: these labels are right much less often.
    assert sum(counted) / len(counted) >= 0.9 > sum(unsure) / len(unsure) + 0.15
    rate = sum(solved[key] for key, _, _ in rows) / len(rows)
    found = {
        name: demo.warehouse.rows(
            f"""select sum(numerator) / sum(denominator) from marts.metrics_daily
            where metric_name = '{name}' and segment = 'all'"""
        )[0][0]
        for name in ("proven_resolution_rate", "resolution_rate", "resolution_rate_upper")
    }
    width = found["resolution_rate_upper"] - found["proven_resolution_rate"]
    print(f"true {rate:.4f}, {found}, width {width:.4f}, precision {sum(counted) / len(counted):.3f}")
    assert found["proven_resolution_rate"] < rate < found["resolution_rate_upper"]
    # Nothing counts that was not: the rate lacks what the labels are unsure of.
    assert found["resolution_rate"] < rate + 0.01


def test_arms_convert_as_drawn(demo: Demo) -> None:
    assert_true(demo, scoring.arm_differences)


def test_measured_rates_lie_around_the_true_ones(demo: Demo) -> None:
    arms = scoring.measured_arms(demo.warehouse, demo.truth)
    for test_name, test in read_object(demo.truth / "experiments.json").items():
        for arm in test["arms"]:
            measured, rate = arms[test_name, arm["variant"]], arm["true_rate"]
            units = measured["mature_units"]
            assert units > 50
            deviation = abs(measured["converted_units"] / units - rate)
            assert deviation <= Z_999 * sqrt(rate * (1 - rate) / units), (test_name, arm["variant"])


@pytest.mark.parametrize(
    ("file", "score", "change"),
    [
        ("conversations.jsonl", scoring.conversation_differences, ('"outcome": "escalated"', '"outcome": "abandoned"')),
        ("conversations.jsonl", scoring.conversation_differences, ('"rating": null', '"rating": 0.5')),
        ("conversations.jsonl", scoring.stage_differences, ('"greeted"', '"meeting_booked"')),
        ("interactions.jsonl", scoring.interaction_differences, ('"is_engaged": false', '"is_engaged": true')),
        ("interactions.jsonl", scoring.month_differences, ('"is_engaged": false', '"is_engaged": true')),
        ("conversations.jsonl", scoring.flow_differences, ('"outcome": "completed"', '"outcome": "in_progress"')),
        ("exposures.jsonl", scoring.exposure_differences, ('"exposure_count": 1', '"exposure_count": 2')),
        ("files.json", scoring.file_differences, ('"duplicates": 0', '"duplicates": 1')),
        ("metrics.json", scoring.metric_differences, ('"resolved": ', '"resolved": 1')),
        ("experiments.json", scoring.arm_differences, ('"converted_units": ', '"converted_units": 1')),
    ],
)
def test_one_wrong_fact_is_seen(demo: Demo, tmp_path: Path, file: str, score: Score, change: tuple[str, str]) -> None:
    """Scoring that never fails would prove nothing."""
    wrong = shutil.copytree(demo.truth, tmp_path / "truth")
    text = (wrong / file).read_text(encoding="utf-8")
    assert change[0] in text
    (wrong / file).write_text(text.replace(*change, 1), encoding="utf-8")
    assert score(demo.warehouse, wrong)


def test_one_missing_row_is_seen(demo: Demo, tmp_path: Path) -> None:
    wrong = shutil.copytree(demo.truth, tmp_path / "truth")
    path = wrong / "conversations.jsonl"
    first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(others), encoding="utf-8")
    found = scoring.conversation_differences(demo.warehouse, wrong)
    assert [line.partition(": ")[0] for line in found] == [f"{json.loads(first)['conversation_key']} row"]
