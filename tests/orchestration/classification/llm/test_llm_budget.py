"""What may be spent and how fast: caps that hold, prices that are known before anything is asked."""

import asyncio
import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.classification.llm.budget import Budget, Cap
from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.rate_limiter import RateLimiter
from orchestration.configuration.model_prices import Price, price_of
from orchestration.configuration.problems import ConfigurationError
from orchestration.settings import PROJECT_DIR
from tests.support.llm_cases import BOOKING_ANSWER, NOON, PRICE, FakeClock, after_probe, labeller, obedient
from tests.support.llm_killed import bookings
from tests.support.llm_server import Answer, LlmServer, Status

SEEDS = PROJECT_DIR / "seeds"
CALL_USD = PRICE.cost_usd(800, 90)


def prices(folder: Path, *rows: str) -> Path:
    header = "model,valid_from,input_usd_per_mtok,output_usd_per_mtok,batch_price_ratio"
    text = "\n".join((header, *(f"{row},0.5" if row.count(",") == 3 else row for row in rows)))
    (folder / "model_prices.csv").write_text(text + "\n")
    return folder


def test_the_price_of_the_day_holds(tmp_path: Path) -> None:
    seeds = prices(tmp_path, "some,2026-02-01,1,4", "some,2026-01-01,2,8", "other,2026-01-15,9,9")
    assert price_of(seeds, "some", date(2026, 1, 31)) == Price(2, 8, 0.5)
    assert price_of(seeds, "some", date(2026, 2, 1)) == Price(1, 4, 0.5)
    assert price_of(seeds, "some", date(2026, 2, 1)).of_batch == Price(0.5, 2)
    assert Price(0.15, 0.60).cost_usd(1_000_000, 500_000) == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("other,2026-01-01,1,1", "model 'some' has no price; add a row"),
        ("some,2027-01-01,1,1", "model 'some' is priced only from 2027-01-01 on; add a row"),
        ("some,tomorrow,1,1", "line 2: valid_from: 'tomorrow' is not a date"),
        ("some,2026-01-01,cheap,1", "line 2: input_usd_per_mtok: 'cheap' is not a price"),
        ("some,2026-01-01,1,-1", "line 2: output_usd_per_mtok: '-1' is not a price"),
        ("some,2026-01-01,nan,1", "line 2: input_usd_per_mtok: 'nan' is not a price"),
        ("some,2026-01-01,1,1,half", "line 2: batch_price_ratio: 'half' is not a factor"),
    ],
)
def test_a_price_that_is_not_known_is_an_error_before_the_run(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        price_of(prices(tmp_path, row), "some", NOON.date())


def test_the_shipped_prices_can_be_read() -> None:
    assert price_of(SEEDS, "gpt-4o-mini", NOON.date()) == Price(0.15, 0.60, 0.5)


def test_the_cap_of_a_run_is_never_passed() -> None:
    log = MemoryLog()
    with LlmServer(obedient) as server:
        summary = labeller(server, log, budget_usd_per_run=8.5 * CALL_USD, concurrency=8).label(bookings(40))
    assert summary.cost_usd <= 8.5 * CALL_USD
    assert 0 < summary.counts["labelled"] < 8
    assert summary.reasons == {"budget_run": summary.counts["fallen_back"]}
    assert summary.counts["labelled"] + summary.counts["fallen_back"] == 40
    assert summary.problem is not None
    assert "COLLOQUY_LLM_BUDGET_USD_PER_RUN is used up" in summary.problem


def test_the_cap_of_a_day_counts_earlier_runs_of_that_day() -> None:
    log, clock = MemoryLog(), FakeClock()
    with LlmServer(obedient) as server:
        step = labeller(server, log, clock, budget_usd_per_day=12 * CALL_USD)
        assert step.label(bookings(5)).counts["labelled"] == 5
        second = step.label(bookings(40))
        assert 0 < second.counts["labelled"] < 6
        assert second.reasons == {"budget_day": second.counts["fallen_back"]}
        assert sum(call.cost_usd for call in log.calls) <= 12 * CALL_USD
        clock.passed_seconds += timedelta(days=1).total_seconds()
        assert step.label(bookings(40)).counts["labelled"] > 0


def test_with_nothing_to_spend_nothing_is_asked_unless_it_costs_nothing() -> None:
    with LlmServer(obedient) as server:
        summary = labeller(server, MemoryLog(), budget_usd_per_run=0).label(bookings(3))
        assert server.requests == []
        assert summary.counts["fallen_back"] == 3
        free = labeller(server, MemoryLog(), budget_usd_per_run=0, price=Price(0, 0))
        assert free.label(bookings(3)).counts["labelled"] == 3


def test_a_call_whose_answer_was_lost_is_booked_as_if_it_were_billed() -> None:
    log = MemoryLog()
    uncounted = Answer(BOOKING_ANSWER, usage=None)
    with LlmServer(after_probe(lambda _: uncounted)) as server:
        labeller(server, log).label(bookings(1))
    assert log.calls[-1].is_cost_estimated
    assert log.calls[-1].cost_usd > CALL_USD
    with LlmServer(after_probe(lambda _: Status(500))) as server:
        refused = MemoryLog()
        labeller(server, refused).label(bookings(1))
    assert [call.cost_usd for call in refused.calls[1:]] == [0.0] * 5


def test_an_estimate_is_near_what_it_then_costs() -> None:
    with LlmServer(obedient) as server:
        estimate = labeller(server, MemoryLog()).estimate(bookings(10), MemoryLog())
    assert estimate.calls == 10
    assert 0.5 < estimate.cost_usd / (10 * CALL_USD) < 2


def test_a_reservation_waits_for_calls_that_may_turn_out_cheaper() -> None:
    async def story() -> list[Cap | None]:
        budget = Budget(run_usd=1.0, day_usd=5.0)
        first = await budget.reserve(0.8)
        waiting = asyncio.create_task(budget.reserve(0.8))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.charge(0.8, 0.1)
        second = await waiting
        budget.charge(0.8, 0.5)
        return [first, second, await budget.reserve(0.5), await budget.reserve(0.4)]

    assert asyncio.run(story()) == [None, None, Cap.RUN, None]


@pytest.mark.parametrize(("requests", "tokens"), [(5, 10**9), (10**9, 1000), (7, 900)])
def test_no_minute_holds_more_than_allowed(requests: int, tokens: int) -> None:
    clock, rng = FakeClock(), random.Random(3)  # noqa: S311
    admitted: list[tuple[float, int]] = []

    async def story() -> None:
        pace = RateLimiter(requests, tokens, clock)
        for _ in range(60):
            size = rng.randint(1, 400)
            await pace.admit(size)
            admitted.append((clock.seconds(), size))

    asyncio.run(story())
    for start, _ in admitted:
        within = [size for at, size in admitted if start <= at < start + 60]
        assert len(within) <= requests
        assert sum(within) <= tokens
    assert clock.seconds() > 0


def test_a_call_larger_than_a_minute_goes_alone() -> None:
    clock = FakeClock()

    async def story() -> None:
        pace = RateLimiter(10, 100, clock)
        for size in (50, 500, 50):
            await pace.admit(size)

    asyncio.run(story())
    assert clock.slept == [60.0, 60.0]
