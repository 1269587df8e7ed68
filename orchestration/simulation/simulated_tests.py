"""The A/B tests of the simulated world and their true effects, set here and nowhere else.

Whether a unit converts is drawn from its arm's true rate BEFORE its conversation is written, so that the rate holds
over all exposed sessions, those that never speak included. The unit is the session.
"""

import random
from dataclasses import dataclass

from orchestration.simulation.plan import DAY_MS, SECOND_MS, Visit
from orchestration.simulation.script import Script

CONVERSION_WINDOW_HOURS = 24


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant; `rate` is the true probability of the goal within the window."""

    variant: str
    is_control: bool
    rate: float


@dataclass(frozen=True, slots=True)
class Experiment:
    """A test of two arms with equal weights; `start_share` is the share of the simulated days before it starts."""

    test_name: str
    source: str
    agents: frozenset[str]
    goal: str
    arms: tuple[Arm, Arm]
    start_share: float


EXPERIMENTS = (
    Experiment(
        "demo-greeting-test",
        "chat_events",
        frozenset({"demo-support-v1", "demo-support-v2", "demo-support-v3"}),
        "signup_completed",
        (Arm("control", True, 0.18), Arm("short_greeting", False, 0.26)),
        0.1,
    ),
    Experiment(
        "demo-prompt-test",
        "events",
        frozenset({"demo-support-v1", "demo-support-v2", "demo-support-v3"}),
        "self_service_completed",
        (Arm("control", True, 0.15), Arm("step_by_step", False, 0.15)),
        0.3,
    ),
)

_AMBIGUOUS_RATE, _CONTAMINATED_RATE, _REPEATED_RATE = 0.0015, 0.003, 0.04


@dataclass(frozen=True, slots=True)
class Assignment:
    """The arm of one session, and whether it will reach the goal inside the window."""

    experiment: Experiment
    arm_index: int
    converts: bool

    @property
    def arm(self) -> Arm:
        """The assigned variant."""
        return self.experiment.arms[self.arm_index]


def start_ms(experiment: Experiment, first_day_ms: int, days: int) -> int:
    """Return the first moment at which sessions are exposed: the start of a day."""
    return first_day_ms + int(days * experiment.start_share) * DAY_MS


def assign(visit: Visit, first_day_ms: int, days: int, rng: random.Random) -> Assignment | None:
    """Draw the assignment of a visit, or None when no test runs for it."""
    if visit.environment != "production" or visit.is_shown_only:
        return None
    for experiment in EXPERIMENTS:
        if visit.source != experiment.source or visit.agent not in experiment.agents:
            continue
        if visit.started_ms >= start_ms(experiment, first_day_ms, days):
            arm_index = rng.randrange(2)
            return Assignment(experiment, arm_index, rng.random() < experiment.arms[arm_index].rate)
    return None


def expose(script: Script, assignment: Assignment) -> None:
    """Write the exposure at the present moment, with the disorder real logs have."""
    experiment, arm = assignment.experiment, assignment.arm
    other = experiment.arms[1 - assignment.arm_index]

    def write(shown: Arm, delay_ms: int) -> None:
        script.add_later(
            "experiment_exposure",
            delay_ms,
            experiment_id=experiment.test_name,
            variant=shown.variant,
            is_control=shown.is_control,
        )

    write(arm, 0)
    draw = script.rng.random()
    # At least two seconds apart: whole-second clocks must not make two exposures one.
    delay_ms = script.rng.randrange(2 * SECOND_MS, 200 * SECOND_MS)
    if draw < _AMBIGUOUS_RATE:
        write(other, 0)
    elif draw < _AMBIGUOUS_RATE + _CONTAMINATED_RATE:
        write(other, delay_ms)
    elif draw < _AMBIGUOUS_RATE + _CONTAMINATED_RATE + _REPEATED_RATE:
        write(arm, delay_ms)
