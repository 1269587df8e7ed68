"""Random conversations of all six sources, each decided by its number.

Every habit that makes incremental work hard is here: ties, dimensions that only late events carry, starts just before
midnight, meetings weeks after the chat, feedback and exposures after the close, users who return, conversations that
two sources know, days without conversations.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Fields = dict[str, Any]
Step = tuple[datetime, str, Fields]

FIRST_DAY = datetime(2025, 6, 1, tzinfo=UTC)
# Days with conversations, in groups with gaps of days between them.
DAYS = (0, 1, 2, 2, 3, 9, 10, 10, 11, 30, 31, 44, 60)
USERS = [f"user-{number}" for number in range(8)]
AGENTS = ("support_bot", "booking_bot", "sales_bot")
CHANNELS = ("web", "voice", "whatsapp")
GOALS = ("signup", "upgrade")

# What a user may put in place of the shipped seeds: more of the code is on the way of a random event.
SEEDS = {
    "purposes.csv": "source,agent,purpose\nsales_events,,sales\nevents,sales_bot,sales\n",
    "success_signals.csv": (
        "source,event_type,property,value,strength\n"
        ",deal_closed,,,proof\n"
        ",problem_resolved,,,claim\n"
        "events,tool_called,result,refunded,proof\n"
        "chat_events,button_clicked,button,all_good,claim\n"
    ),
    "segment_dimensions.csv": (
        "dimension,column_name,property,top_n,is_hourly\n"
        "channel,channel,,,true\n"
        "agent,agent,,,false\n"
        "source,source,,,false\n"
        "entry_page,entry_page,,1,false\n"
        "plan,,plan,1,false\n"
        "variant,variant,,,false\n"
    ),
    "sources.csv": (
        "source,id_namespace,default_environment,feedback_question_kind,default_rating_type,has_optional_widget,"
        "can_report_completion\n"
        "events,desk,production,other,,false,true\n"
        "agent_events,desk,production,satisfaction,thumbs,false,true\n"
        "chat_events,chat_events,production,satisfaction,stars,false,false\n"
        "ab_test_exposures,chat_events,production,,,false,false\n"
        "sales_events,sales_events,production,satisfaction,,false,false\n"
        "agentsight_interactions,agentsight_interactions,production,satisfaction,,true,false\n"
    ),
    "ab_tests.csv": (
        "test_name,phase,control_variant,variants,weights,assignment,randomization_unit,metric_type,primary_metric,"
        "window_hours,started_at,planned_at,planned_total,mde_abs,test_kind,guardrail_margin\n"
        "layout,1,A,A|B,0.5|0.5,,user,conversion,is_resolved,168,2025-06-01 00:00:00,,,,,0.02\n"
    ),
}


# Enough of a language for classifiers to see stages come and go.
SAID_BY_CUSTOMERS = (
    "I cannot find the parcel that I ordered for my mother last week.",
    "Yes, that works for me, thank you.",
    "It is still not working, and I do not know what to do.",
    "How do I change the address of my order?",
    "Es demasiado caro para nosotros, y no lo quiero.",
    "I would like a refund, this is terrible and too expensive for us.",
    "42",
)
# As sources state them; the last is free text.
HANDOFF_REASONS = (None, "customer_asked", " Not_Solved", "she was cross")
SAID_BY_AGENTS = (
    "Hello, how can I help you?",
    "I am sorry, I could not find the order in our system.",
    "You can change the address in the settings of your account.",
    "Would you like me to send you a new one?",
    "I have sent you a new one, it is on the way.",
)


@dataclass(frozen=True)
class Line:
    """One line of a landed file."""

    source: str
    occurred_at: datetime
    fields: Fields


def conversation_lines(number: int) -> list[Line]:
    """Return the lines of one random conversation, decided by its number alone and in the order they were written."""
    # Texts have a chance of their own: other words, the same events.
    texts = random.Random(f"{number} texts")  # noqa: S311 - reproducible, not secret
    writer = _Writer(random.Random(number), texts)  # noqa: S311 - reproducible, not secret
    writer.write(f"c{number}")
    return writer.lines


@dataclass
class _Writer:
    """Writes the lines of a conversation, each source in its own words."""

    chance: random.Random
    texts: random.Random
    lines: list[Line] = field(default_factory=list)

    def write(self, name: str) -> None:
        kinds = (
            self._event,
            self._agent_event,
            self._chat_event,
            self._sales_event,
            self._interaction,
            self._handed_over,
        )
        kind = self.chance.choices(kinds, (6, 2, 3, 3, 3, 2))[0]
        day = FIRST_DAY + timedelta(days=self.chance.choice(DAYS))
        # Some start just before midnight: whatever lands late then may move them to another day.
        minute = self.chance.choice((1430, 1438, self.chance.randrange(1440)))
        kind(name, day + timedelta(minutes=minute))

    def _handed_over(self, name: str, start: datetime) -> None:
        """Write a conversation that two sources know, under event ids that both of them use."""
        self._agent_event(name, start)
        self._event(name, start + timedelta(minutes=self.chance.choice((-40, -1, 5, 90))))

    def _maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _add(self, source: str, moment: datetime, /, **fields: Any) -> None:
        """Add a line; null and absent mean the same, so both occur."""
        said = {name: value for name, value in fields.items() if value is not None or self._maybe(0.2)}
        self.lines.append(Line(source, moment, {"timestamp": moment.isoformat(), **said}))

    def _script(self) -> list[tuple[str, Fields]]:
        """Return what happens in one conversation, in canonical words."""
        steps: list[tuple[str, Fields]] = []
        for turn in range(self.chance.choice((0, 1, 1, 2, 3, 5, 8))):
            steps.append(
                ("user_message", {"role": "user", "content": self.texts.choice(SAID_BY_CUSTOMERS), "seq": 10 * turn})
            )
            if self._maybe(0.3):
                steps.append(("tool_called", self._tool_call()))
            if self._maybe(0.8):
                model = self.chance.choice((None, "large", "small"))
                steps.append(
                    (
                        "agent_message",
                        {
                            "role": "agent",
                            "content": self.texts.choice(SAID_BY_AGENTS),
                            "model": model,
                            "seq": 10 * turn + 5,
                        },
                    )
                )
            if self._maybe(0.12):
                steps.append(("fallback_triggered", {}))
            if self._maybe(0.05):
                steps.append((self.chance.choice(("problem_identified", "solution_proposed")), {}))
        for probability, event_type in (
            (0.15, "handoff_requested"),
            (0.08, "handoff_connected"),
            (0.1, "problem_resolved"),
        ):
            if self._maybe(probability):
                reason = self.texts.choice(HANDOFF_REASONS) if event_type.startswith("handoff") else None
                steps.append((event_type, {"reason": reason} if reason else {}))
        if self._maybe(0.6):
            end = self.chance.choice(("conversation_completed", "conversation_ended", "conversation_abandoned"))
            steps.append((end, {}))
            if self._maybe(0.2):
                steps.append(("user_message", {"role": "user", "content": "one more thing"}))
        return steps

    def _tool_call(self) -> Fields:
        call: Fields = {"tool_name": self.chance.choice(("search", "refund")), "is_write": self._maybe(0.4)}
        call |= self.chance.choice(({}, {"is_error": True}, {"success": False}, {"status": "error"}, {"success": True}))
        return call | ({"result": "refunded"} if self._maybe(0.2) else {})

    def _pause(self) -> timedelta:
        """Return the time to the next event; ties and silences longer than the idle timeout are common."""
        return self.chance.choice(
            (
                timedelta(0),
                timedelta(seconds=20),
                timedelta(seconds=61.5),
                timedelta(minutes=3),
                timedelta(minutes=self.chance.choice((4, 29, 30, 31, 400, 2000))),
            )
        )

    def _timed(self, start: datetime, steps: Iterable[tuple[str, Fields]]) -> list[Step]:
        moment, timed = start, list[Step]()
        for event_type, properties in steps:
            timed.append((moment, event_type, properties))
            moment += self._pause()
        return timed

    def _later(self, start: datetime, days: int) -> datetime:
        return start + timedelta(hours=self.chance.randrange(1, 24 * days))

    def _event(self, name: str, start: datetime) -> None:
        steps = self._timed(start, self._script())
        if self._maybe(0.3):
            steps.append(
                (start - timedelta(hours=self.chance.choice((0, 1, 30))), "conversation_started", {"plan": "old"})
            )
        if self._maybe(0.3):
            goal = {"goal": self.chance.choice(GOALS), "value": self.chance.choice((1, 2.5, 99.99))}
            steps.append((self._later(start, 30), "conversion", goal))
        if self._maybe(0.4):
            answer: Fields = self.chance.choice(
                ({"rating": 1}, {"rating": 4}, {"rating": "negative"}, {"rating": 1, "rating_type": "stars"})
            )
            kind = self.chance.choice((None, "solved", "satisfaction"))
            steps.append(
                (self._later(start, 5), "feedback_received", answer | ({"question_kind": kind} if kind else {}))
            )
        if self._maybe(0.3):
            exposure = {"test_name": "greeting", "variant": self.chance.choice("AB"), "is_control": False}
            steps.append((start - timedelta(minutes=self.chance.choice((0, 5, 4000))), "experiment_exposure", exposure))
        steps += self._sales_outcomes(start)
        environment = self.chance.choice((None, None, None, "production", "development"))
        user = self.chance.choice([None, *USERS])
        for number, (moment, event_type, properties) in enumerate(steps):
            plan = {"plan": self.chance.choice(("free", "paid"))} if self._maybe(0.1) else {}
            self._add(
                "events",
                moment,
                event_id=f"{name}-{number}",
                conversation_id=name,
                event_type=event_type,
                user_id=user if self._maybe(0.5) else None,
                channel=self.chance.choice(CHANNELS) if self._maybe(0.2) else None,
                agent=self.chance.choice(AGENTS) if self._maybe(0.2) else None,
                environment=environment if self._maybe(0.3) else None,
                device="phone" if self._maybe(0.1) else None,
                language="en" if self._maybe(0.1) else None,
                properties=properties | plan,
            )

    def _sales_outcomes(self, start: datetime) -> list[Step]:
        outcomes = ("qualified", "meeting_booked", "meeting_attended", "opportunity_created", "deal_closed")
        reached = self.chance.choice((0, 0, 0, 0, 1, 2, 3, 5))
        moment, timed = start, list[Step]()
        for outcome in outcomes[:reached]:
            moment = self._later(moment, 25)
            if self._maybe(0.8):
                timed.append((moment, outcome, {}))
        return timed

    def _agent_event(self, name: str, start: datetime) -> None:
        words = {
            "agent_message": "agent_response",
            "conversation_completed": "completed",
            "conversation_abandoned": "abandoned",
        }
        steps: list[Step] = [
            (start - self._pause(), "started", {"channel": "web"}),
            *self._timed(start, self._script()),
        ]
        if self._maybe(0.4):
            steps.append(
                (self._later(start, 3), "feedback_received", {"rating": self.chance.choice(("positive", "negative"))})
            )
        user = self.chance.choice(USERS)
        for number, (moment, event_type, properties) in enumerate(steps):
            self._add(
                "agent_events",
                moment,
                id=f"{name}-{number}",
                conversation_id=name,
                user_id=user,
                event_type=words.get(event_type, event_type),
                metadata=properties | ({"agent": self.chance.choice(AGENTS)} if self._maybe(0.2) else {}),
            )

    def _chat_event(self, name: str, start: datetime) -> None:
        words = {
            "user_message": "message_sent",
            "agent_message": "message_received",
            "conversation_ended": "session_end",
        }
        steps: list[Step] = [
            (start, "session_start", {"page_url": f"https://shop.test/{self.chance.choice('abc')}?q=1"})
        ]
        if self._maybe(0.8):
            steps += self._timed(start + self._pause(), self._script())
        for probability, event_type, properties in (
            (0.2, "button_clicked", {"button": "all_good"}),
            (0.1, "button_clicked", {"actor": "agent"}),
            (0.2, "flow_started", {"flow_name": "order"}),
            (0.1, "flow_completed", {"flow_name": "order"}),
            (0.3, "feedback_submitted", {"rating": self.chance.randint(1, 5)}),
            (0.2, "conversion", {"goal": self.chance.choice(GOALS), "value": 5}),
        ):
            if self._maybe(probability):
                steps.append((self._later(start, 4), event_type, properties))
        for number, (moment, event_type, properties) in enumerate(steps):
            self._add(
                "chat_events",
                moment,
                event_id=f"{name}-x{number}",
                session_id=name,
                user_id=self.chance.choice([None, USERS[0]]),
                event_type=words.get(event_type, event_type),
                channel=self.chance.choice(CHANNELS) if self._maybe(0.3) else None,
                properties=properties,
            )
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            shown_at = start + timedelta(minutes=self.chance.choice((-3000, -5, -5, 0, 60)))
            variant = self.chance.choice("AB")
            # Some were exposed and never came.
            session = name if self._maybe(0.9) else f"{name}-exposed-only"
            self._add("ab_test_exposures", shown_at, session_id=session, test_name="layout", variant=variant)

    def _sales_event(self, name: str, start: datetime) -> None:
        opening: Fields = {"source": "ad", "lead_score": 0.5, "user_id": self.chance.choice(USERS)}
        steps: list[Step] = [(start, "conversation_started", opening)]
        for number in range(self.chance.randrange(6)):
            said: Fields = {
                "sender": self.chance.choice(("prospect", "agent")),
                "content": f"line {number}",
                "intent": "price",
            }
            identity = {"message_id": f"{name}-m{number}"} if self._maybe(0.7) else {}
            scored = {"qualification_score": self.chance.random()} if self._maybe(0.2) else {}
            steps.append((start + timedelta(minutes=7 * number), "message_received", said | identity | scored))
        steps += self._sales_outcomes(start)
        for moment, event_type, properties in steps:
            self._add(
                "sales_events",
                moment,
                conversation_id=name,
                event_type=event_type,
                channel=self.chance.choice(("sms", "voice")),
                properties=properties,
            )

    def _interaction(self, name: str, start: datetime) -> None:
        page = {"page_url": f"https://shop.test/{self.chance.choice('abc')}", "widget_loaded": True}
        customer = self.chance.choice(USERS)
        self._add(
            "agentsight_interactions",
            start,
            conversation_id=name,
            customer_id=customer,
            customer_ip_address="192.0.2.7",
            device=self.chance.choice(("phone", "desktop")),
            source="campaign",
            environment=self.chance.choice((None, None, "development")),
            metadata=page,
        )
        if self._maybe(0.5):
            for moment, role in ((start + self._pause(), "user"), (start + timedelta(minutes=9), "assistant")):
                self._add(
                    "agentsight_interactions",
                    moment,
                    conversation_id=name,
                    customer_id=customer,
                    role=role,
                    content=f"said by {role}",
                )
