"""A funnel and a segment dimension are rows: added to seeds, they are in the marts, and nothing else had to change."""

from pathlib import Path

from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import WarehouseUnderTest

SEEDS = PROJECT_DIR / "seeds"


def _event(event_id: str, conversation: str, event_type: str, minute: int, **properties: object) -> dict[str, object]:
    return {
        "event_id": event_id,
        "conversation_id": conversation,
        "event_type": event_type,
        "timestamp": f"2025-03-03T10:{minute:02}:00Z",
        "properties": properties,
    }


def test_a_funnel_and_a_segment_added_as_rows_are_in_the_marts(tmp_path: Path) -> None:
    overrides = {
        "funnels.csv": (SEEDS / "funnels.csv").read_text() + "returns,support,events,,,'A parcel sent back'\n",
        "funnel_stages.csv": (SEEDS / "funnel_stages.csv").read_text()
        + "returns,1,asked,event,return_asked,,,The customer asks\n"
        + "returns,2,label_sent,event,return_label_sent,,1,The label is out\n",
        "segment_dimensions.csv": (SEEDS / "segment_dimensions.csv").read_text() + "plan,,plan,,false\n",
    }
    warehouse = WarehouseUnderTest(tmp_path, overrides)
    warehouse.write_events(
        [
            _event("1", "a", "user_message", 0, plan="gold", content="hello"),
            _event("2", "a", "return_asked", 1),
            _event("3", "a", "return_label_sent", 2),
            # The first value in event order is the conversation's.
            _event("4", "a", "user_message", 3, plan="silver", content="thanks"),
            _event("5", "b", "user_message", 0, plan="silver", content="hello"),
            _event("6", "b", "return_asked", 1),
            _event("7", "c", "user_message", 0, content="hello"),
            # Two hours on: everything above is closed.
            {**_event("8", "d", "user_message", 0, content="hello"), "timestamp": "2025-03-03T12:00:00Z"},
        ]
    )
    warehouse.land()
    warehouse.build(tests=True)

    # What stands between quotes that no CSV file has is held as it stands, as Python reads it.
    assert warehouse.rows("select description from seeds.funnels where funnel = 'returns'") == [
        ("'A parcel sent back'",)
    ]
    assert warehouse.rows(
        "select segment, stage, entered, reached, lost from marts.funnel_stages where funnel = 'returns' "
        "and segment in ('all', 'plan=gold', 'plan=silver') order by segment, stage_order"
    ) == [
        ("all", "asked", 2, 2, 1),
        ("all", "label_sent", 2, 1, 0),
        ("plan=gold", "asked", 1, 1, 0),
        ("plan=gold", "label_sent", 1, 1, 0),
        ("plan=silver", "asked", 1, 1, 1),
        ("plan=silver", "label_sent", 1, 0, 0),
    ]
    assert warehouse.rows(
        "select segment, value from marts.metrics_daily "
        "where metric_name = 'total_conversations' and segment_type in ('all', 'plan') order by segment"
    ) == [("all", 4.0), ("plan=(none)", 2.0), ("plan=gold", 1.0), ("plan=silver", 1.0)]
