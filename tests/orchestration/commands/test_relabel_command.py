"""`make relabel` prints the price first, and changes nothing without YES=1."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.__main__ import main
from orchestration.commands.relabel import relabel
from orchestration.ledger.labellers import embedded_labeller
from tests.support.labellers import doubting_labeller
from tests.support.unsure_events import NO_OWN_MODEL, unsure
from tests.support.warehouse import WarehouseUnderTest

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def test_the_price_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = WarehouseUnderTest(tmp_path, labeller=doubting_labeller())
    warehouse.settings.landing.mkdir()
    assert relabel(date(2025, 6, 1), warehouse.settings, is_confirmed=True, now=NOW) == 2
    assert "nothing has been labelled yet" in capsys.readouterr().out
    warehouse.write_events(
        {
            "event_id": f"{day}",
            "conversation_id": f"of {day}",
            "event_type": "user_message",
            "timestamp": f"2025-06-0{day}T10:00:00Z",
            "properties": {"content": "hello"},
        }
        for day in (1, 2, 3)
    )
    warehouse.land()
    warehouse.build()
    assert relabel(date(2025, 6, 2), warehouse.settings, is_confirmed=False, now=NOW) == 0
    told = capsys.readouterr().out
    assert "2 conversations since 2025-06-02 were labelled by another definition" in told
    assert "costs $0.00" in told
    assert "To do it: make relabel FROM=2025-06-02 YES=1" in told
    assert warehouse.rows("select count(*) from raw.ledger.stage_labels") == [(18,)]
    assert relabel(date(2025, 6, 4), warehouse.settings, is_confirmed=True, now=NOW) == 0
    assert "0 conversations" in capsys.readouterr().out


def test_the_price_of_asking_an_llm_comes_first_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = WarehouseUnderTest(tmp_path, labeller=embedded_labeller(NO_OWN_MODEL))
    warehouse.write_events([line for number in range(3) for line in unsure(f"c{number}", number)])
    warehouse.land()
    warehouse.build(marts=False)
    # No server listens there: an estimate sends no request.
    named = {"llm_base_url": "http://127.0.0.1:9/v1", "llm_model": "gpt-4o-mini", "llm_share": 1.0}
    settings = warehouse.settings.model_copy(update=named)
    assert relabel(date(2025, 6, 1), settings, is_confirmed=False, now=NOW) == 0
    told = capsys.readouterr().out
    assert "3 unsure conversations have no label of gpt-4o-mini by the present definition" in told
    found = re.search(r"about ([\d,]+) tokens read and 270 written: \$(0\.\d{4}); a run spends \$1\.00 at most", told)
    assert found, told
    read = int(found[1].replace(",", ""))
    assert float(found[2]) == pytest.approx((read * 0.15 + 270 * 0.6) / 1e6, abs=1e-4)
    assert "To do it: make relabel FROM=2025-06-01 YES=1" in told
    unpriced = settings.model_copy(update={"llm_model": "nobody-knows-its-price"})
    assert relabel(date(2025, 6, 1), unpriced, is_confirmed=True, now=NOW) == 2
    assert "has no price" in capsys.readouterr().out


def test_a_day_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["relabel", "--from", "yesterday"]) == 2
    assert "is no day; name the first one: make relabel FROM=2026-01-31" in capsys.readouterr().err
