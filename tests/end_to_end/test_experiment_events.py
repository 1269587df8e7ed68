"""Twenty experiments from raw events to verdicts, held against what numpy and scipy make of the same events."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.experiment_events import Event, Plan, drawn_events
from tests.support.experiment_reference import results
from tests.support.experiments import STARTED_AT, registrations
from tests.support.warehouse import WarehouseUnderTest

DAYS = 12
UNTIL = STARTED_AT + timedelta(days=15)
THREE = (("control", 0.25), ("short", 0.25), ("long", 0.45))
MESSAGES = "user_message_count"
PLANS = [
    Plan("same"),
    Plan("better", arms=(("control", 0.3), ("treatment", 0.42))),
    Plan("worse", arms=(("control", 0.4), ("treatment", 0.28)), planned_total=800),
    Plan("unfinished", arms=(("control", 0.3), ("treatment", 0.36)), planned_total=1500),
    Plan("rare", arms=(("control", 0.06), ("treatment", 0.07))),
    Plan("slow", window_hours=96, arms=(("control", 0.5), ("treatment", 0.6))),
    Plan("uneven", weights=(0.8, 0.2), units=1200, arms=(("control", 0.5), ("treatment", 0.6))),
    Plan("three", arms=THREE, weights=(0.34, 0.33, 0.33), units=1400),
    Plan("three_planned", arms=THREE, weights=(0.34, 0.33, 0.33), units=1400, planned_total=700),
    Plan("mixed", mixed_share=0.03),
    Plan("goal", metric="conversion:sale", arms=(("control", 0.5), ("treatment", 0.4))),
    Plan("money", metric="value:sale", units=1300, arms=(("control", 0), ("treatment", 0))),
    Plan("talk", units=1300, arms=(("control", 3.0), ("treatment", 3.6)), metric=MESSAGES),
    Plan("talk_planned", units=1300, planned_total=1100, arms=(("control", 3.0), ("treatment", 3.1)), metric=MESSAGES),
    Plan("hashed", assignment="sha256_mod"),
    Plan("unplanned", is_registered=False, arms=(("old", 0.3), ("new", 0.5))),
    Plan("people", unit="user", window_hours=72, units=700, arms=(("control", 0.4), ("treatment", 0.4))),
    Plan("people_better", unit="user", window_hours=72, units=700, arms=(("control", 0.3), ("treatment", 0.5))),
    Plan("people_planned", unit="user", window_hours=168, units=700, planned_total=300),
    Plan("people_talk", "user", MESSAGES, window_hours=72, units=1200, arms=(("control", 2), ("treatment", 2.6))),
]  # fmt: skip
VERDICTS = {
    "same": "inconclusive",
    "better": "significant: treatment better",
    "worse": "significant: treatment worse",
    "rare": "insufficient data",
    "mixed": "invalid: contaminated",
    "talk": "significant: treatment worse",
    "people_better": "significant: treatment better",
}

pytestmark = pytest.mark.full


def events_of(plan: Plan, seed: int) -> list[Event]:
    """Return what is known of a test: nothing happens after UNTIL."""
    drawn = drawn_events(plan, seed, STARTED_AT, DAYS)
    return [event for event in drawn if datetime.fromisoformat(event["timestamp"][:-1]) < UNTIL]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Land the events of all tests, build, and return the rows of the primary metrics by test and variant."""
    rows = [plan.row(STARTED_AT) for plan in PLANS if plan.is_registered]
    warehouse = WarehouseUnderTest(tmp_path_factory.mktemp("events"), registrations(rows), experiments=True)
    for seed, plan in enumerate(PLANS):
        warehouse.write_events(events_of(plan, seed))
    last = {"event_id": "last", "conversation_id": "last", "event_type": "session_started", "properties": {}}
    warehouse.write_events([{**last, "timestamp": f"{UNTIL.isoformat()}Z"}])
    warehouse.land()
    warehouse.build()
    table = warehouse.rows("select to_json(r) from marts.ab_test_results as r where not is_exploratory")
    parsed = [json.loads(row) for (row,) in table]
    return {(row["test_name"], row["variant"]): row for row in parsed}


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_results_are_those_of_the_events(plan: Plan, found: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    expected = results(plan, events_of(plan, PLANS.index(plan)), UNTIL)
    assert len(expected) == len(plan.arms)
    for variant, row in expected.items():
        mine = found[plan.name, variant]
        assert mine["as_of"] == f"{UNTIL}"
        for column, value in row.items():
            if isinstance(value, float):
                assert mine[column] == pytest.approx(value, rel=1e-6, abs=1e-12), (variant, column)
            else:
                assert mine[column] == (str(value) if hasattr(value, "isoformat") else value), (variant, column)
    if plan.name in VERDICTS:
        assert found[plan.name, plan.arms[1][0]]["verdict"] == VERDICTS[plan.name]
