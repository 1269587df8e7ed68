"""What conversation_divergences shows: the shipped SQL on drawn conversations, with a difference and without."""

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import NormalDist
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration.settings import PROJECT_DIR
from tests.support.macros import render

MODEL = "marts/conversations/conversation_divergences.sql"
STEPS = {"answer": 0.58, "tool": 0.25, "no_answer": 0.08, "fallback": 0.05, "handoff": 0.02, "tool_error": 0.02}
CONVERSATIONS = 4_000
PATHS = """
    create table paths as
    select
        turns.conversation, turns.turn_number as path_length,
        (select string_agg(step, ' > ' order by turn_number) from turns as earlier
         where earlier.conversation = turns.conversation and earlier.turn_number <= turns.turn_number) as path,
        coalesce(lead(step) over (partition by conversation order by turn_number), 'end') as next_step
    from turns
"""
INPUTS = """
    create or replace view int_turns_described as
    select turn_number, step, is_resolved, 'u' || conversation as user_key
    from turns join outcomes using (conversation);
    create or replace view int_paths_described as
    select path, path_length, next_step, is_resolved, 'u' || conversation as user_key
    from paths join outcomes using (conversation)
"""


class World:
    """Drawn conversations of one to eight turns, to which outcomes are given."""

    def __init__(self, shipped: str, seed: int) -> None:
        self._shipped = shipped
        self.draw = np.random.default_rng(seed)
        self.connection = duckdb.connect()
        lengths = self.draw.integers(1, 9, CONVERSATIONS)
        turns = pd.DataFrame(
            {
                "conversation": np.repeat(np.arange(CONVERSATIONS), lengths),
                "turn_number": np.concatenate([np.arange(1, length + 1) for length in lengths]),
                "step": self.draw.choice(list(STEPS), p=list(STEPS.values()), size=lengths.sum()),
            }
        )
        self.connection.register("drawn", turns)
        self.connection.execute("create table turns as select * from drawn")
        self.connection.execute(PATHS)

    def divergences(self, chances: np.ndarray) -> list[dict[str, Any]]:
        """Resolve each conversation with its chance, and return the rows by rank."""
        is_resolved = self.draw.random(CONVERSATIONS) < chances
        outcomes = pd.DataFrame({"conversation": np.arange(CONVERSATIONS), "is_resolved": is_resolved})
        self.connection.register("outcomes", outcomes)
        self.connection.execute(INPUTS)
        rows = self.connection.execute(f"select * from ({self._shipped}) order by divergence_rank")
        names = [column[0] for column in rows.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]

    def first_steps(self) -> np.ndarray:
        """Return the step of the first turn of each conversation."""
        rows = self.connection.execute("select step from turns where turn_number = 1 order by conversation").fetchall()
        return np.array([step for (step,) in rows])


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> str:
    text = (PROJECT_DIR / "models" / MODEL).read_text()
    folder: Path = tmp_path_factory.mktemp("macros")
    texts = {"compiled": re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", text)}
    return render(folder, texts, ["dialect", "statistics", "project"])["compiled"]


@pytest.fixture
def world(shipped: str) -> Iterator[World]:
    one = World(shipped, seed=5)
    yield one
    one.connection.close()


def wilson(successes: int, trials: int, z: float) -> tuple[float, float]:
    """Return the interval of a rate."""
    centre = (successes + z * z / 2) / (trials + z * z)
    half = z * (successes * (trials - successes) / trials + z * z / 4) ** 0.5 / (trials + z * z)
    return centre - half, centre + half


def newcombe(row: dict[str, Any], z: float) -> tuple[float, float]:
    """Return Newcombe's interval of a row by its textbook form."""
    resolved = row["resolved_with_step_count"], row["resolved_count"]
    others = row["unresolved_with_step_count"], row["unresolved_count"]
    (low, high), (other_low, other_high) = wilson(*resolved, z), wilson(*others, z)
    share, other = resolved[0] / resolved[1], others[0] / others[1]
    down = ((share - low) ** 2 + (other_high - other) ** 2) ** 0.5
    up = ((high - share) ** 2 + (other - other_low) ** 2) ** 0.5
    return share - other - down, share - other + up


def test_intervals_hold_together_and_rank_by_what_is_sure(world: World) -> None:
    rows = world.divergences(np.where(world.first_steps() == "tool", 0.7, 0.4))
    assert len(rows) > 20
    z = NormalDist().inv_cdf(1 - 0.025 / len(rows))
    nearest = []
    for row in rows:
        low, high = newcombe(row, z)
        assert (row["difference_ci_low"], row["difference_ci_high"]) == pytest.approx((low, high), abs=1e-9)
        assert row["is_significant"] == (low > 0 or high < 0)
        nearest.append(max(low, -high))
    assert nearest == sorted(nearest, reverse=True)
    assert {(row["path"], row["next_step"]) for row in rows[:2]} == {("(start)", "tool"), ("(start)", "answer")}
    assert not [row for row in rows if row["next_step"] == "handoff"]


def test_a_handoff_is_in_no_denominator(world: World) -> None:
    """Who is handed over is never resolved: without the rule every other step would seem to go with success."""
    is_handed_over = world.first_steps() == "handoff"
    rows = world.divergences(np.where(is_handed_over, 0.0, 0.5))
    start = [row for row in rows if row["path"] == "(start)"]
    counts = {row["resolved_count"] + row["unresolved_count"] for row in start}
    assert counts == {CONVERSATIONS - int(is_handed_over.sum())}


@pytest.mark.full
def test_outcomes_that_say_nothing_seldom_show_a_divergence(world: World) -> None:
    runs = 2_000
    shown = sum(
        any(row["is_significant"] for row in world.divergences(np.full(CONVERSATIONS, 0.5))) for _ in range(runs)
    )
    print(f"runs with a divergence by chance: {shown} of {runs}")
    assert wilson(shown, runs, 1.959963984540054)[1] <= 0.05
    # Not so strict that nothing would ever be shown.
    assert shown > runs / 200


@pytest.mark.full
def test_a_real_divergence_is_shown_first(world: World) -> None:
    """Conversations that begin with a tool are resolved in 60 % of cases, the others in half."""
    first, runs = world.first_steps(), 200
    ranked = [world.divergences(np.where(first == "tool", 0.6, 0.5))[0] for _ in range(runs)]
    found = sum(row["is_significant"] and row["path"] == "(start)" for row in ranked)
    print(f"found first: {found} of {runs}")
    assert found > 0.9 * runs
