"""Customers who write into the same conversation again: what they say, and when, decides whether a solution lasted."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.ledger.labellers import rules_labeller
from tests.support.warehouse import WarehouseUnderTest

# The namespace's data begin two weeks before, so that a first contact is known.
BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)
SOLVED = datetime(2026, 3, 15, 10, tzinfo=UTC)
COMPLAINTS = (
    "Hello, it is still broken.",
    "Hallo, das hat leider nicht geklappt, es geht immer noch nicht.",
    "Hola, sigue sin funcionar y no sé qué hacer.",
    "Bonjour, ça ne marche toujours pas chez moi.",
    "Olá, ainda não funciona aqui em casa.",
)
THANKS = (
    "Thanks, that works now!",
    "Vielen Dank für die schnelle Hilfe!",
    "Muchas gracias por la ayuda.",
    "Merci beaucoup !",
    "Muito obrigado!",
)
OPENING = {
    "Hello": "Hello, I cannot open the page of my last invoice, can you help me with that?",
    "Hallo": "Hallo, ich kann die Seite mit meiner letzten Rechnung nicht öffnen, können Sie mir helfen?",
    "Hola": "Hola, no puedo abrir la página de mi última factura, ¿me puede ayudar con eso?",
    "Bonjour": "Bonjour, je ne peux pas ouvrir la page de ma dernière facture, pouvez-vous m'aider ?",
    "Olá": "Olá, não consigo abrir a página da minha última fatura, você pode me ajudar com isso?",
}
HOURS = {"24h": 24, "72h": 72, "7d": 168}


def event(conversation: str, number: int, at: datetime, kind: str, user: str, **properties: Any) -> dict[str, Any]:
    return {
        "event_id": f"{conversation}-{number}",
        "conversation_id": conversation,
        "user_id": user,
        "agent": "bot",
        "event_type": kind,
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "properties": properties,
    }


def solved(name: str, proof: str, text: str = "Hello") -> list[dict[str, Any]]:
    """Return a conversation that an event shows as solved at SOLVED: by a write of the agent, or by proof."""
    opening = OPENING[text.replace(",", " ").split()[0]]
    shown = {
        "write": ("tool_called", {"tool_name": "fix", "is_write": True}),
        "conversion": ("conversion", {"goal": "g", "value": 1}),
        "completed": ("conversation_completed", {}),
    }[proof]
    return [
        event(name, 1, SOLVED - timedelta(minutes=2), "user_message", name, content=opening),
        event(name, 2, SOLVED, shown[0], name, **shown[1]),
    ]


def build(folder: Path, events: list[dict[str, Any]]) -> WarehouseUnderTest:
    warehouse = WarehouseUnderTest(folder, labeller=rules_labeller())
    first = event("first", 1, BEGIN, "user_message", "first", content="Hello")
    last = event("last", 1, SOLVED + timedelta(days=9), "user_message", "last", content="Hello")
    warehouse.write_events([first, *events, last])
    warehouse.land(now=SOLVED + timedelta(days=10))
    warehouse.build()
    return warehouse


def test_a_return_counts_whether_its_conversation_has_a_new_id_or_not(tmp_path: Path) -> None:
    """40 customers write "still broken" after a drawn time: into the same conversation, into a new one, or thanks."""
    rng = random.Random("threads")  # noqa: S311
    events: list[dict[str, Any]] = []
    gaps: dict[str, timedelta] = {}
    for number in range(40):
        text, gap = COMPLAINTS[number % 5], timedelta(minutes=rng.randrange(31, 167 * 60))
        for kind in ("same", "new", "thanks", "claim"):
            name = f"{kind}-{number}"
            gaps[name] = gap
            events += solved(name, "write" if kind == "claim" else "conversion", text)
            said = THANKS[number % 5] if kind == "thanks" else text
            conversation = f"{name}-again" if kind == "new" else name
            events.append(event(conversation, 9, SOLVED + gap, "user_message", name, content=said))
    warehouse = build(tmp_path, events)
    rows = warehouse.rows(
        """select conversation_id, outcome, outcome_reason, is_durably_resolved_24h, is_durably_resolved_72h,
            is_durably_resolved_7d, session_count, is_first_contact
        from marts.fct_conversations where conversation_id in (select user_id from marts.fct_conversations)"""
    )
    found = {row[0]: row[1:] for row in rows if row[0] in gaps}
    assert len(found) == 160
    for name, (outcome, reason, *lasting, sessions, is_first) in found.items():
        kind = name.partition("-")[0]
        assert is_first is True
        assert sessions == (1 if kind == "new" else 2)
        if kind == "claim":
            assert (outcome, lasting) == ("abandoned", [None, None, None]), name
            continue
        assert (outcome, reason) == ("resolved_confirmed", "goal_conversion")
        expected = [kind == "thanks" or gaps[name] >= timedelta(hours=hours) for hours in HOURS.values()]
        assert lasting == expected, (name, gaps[name])


def test_what_a_customer_says_at_once(tmp_path: Path) -> None:
    """Within the session: a denial contradicts, thanks after a completion do not, and the last answer counts."""

    def after(name: str, minutes: float, kind: str, **properties: Any) -> dict[str, Any]:
        return event(name, 20 + int(minutes), SOLVED + timedelta(minutes=minutes), kind, name, **properties)

    def feedback(name: str, minutes: float, rating: int) -> dict[str, Any]:
        kind = {"rating": rating, "rating_type": "thumbs", "question_kind": "solved"}
        return after(name, minutes, "feedback_received", **kind)

    events = [
        *solved("denied", "write"),
        after("denied", 1, "user_message", content="That did not work, it is still wrong."),
        *solved("asked_on", "write"),
        after("asked_on", 1, "user_message", content="And when does the next invoice arrive?"),
        *solved("thanked", "completed"),
        after("thanked", 1, "user_message", content="Thanks!"),
        *solved("went_on", "completed"),
        after("went_on", 1, "user_message", content="And when does the next invoice arrive?"),
        *solved("taken_back", "write"),
        feedback("taken_back", 1, 1),
        feedback("taken_back", 2, 0),
        *solved("given_later", "write"),
        feedback("given_later", 1, 0),
        feedback("given_later", 2, 1),
    ]
    warehouse = build(tmp_path, events)
    rows = warehouse.rows("select conversation_id, outcome, outcome_reason from marts.fct_conversations order by 1")
    found = {row[0]: row[1:] for row in rows}
    assert found["denied"] == ("abandoned", "idle_timeout")
    assert found["asked_on"] == ("resolved_inferred", "successful_write")
    assert found["thanked"] == ("resolved_inferred", "conversation_completed")
    assert found["went_on"] == ("abandoned", "idle_timeout")
    assert found["taken_back"] == ("abandoned", "idle_timeout")
    assert found["given_later"] == ("resolved_confirmed", "solved_answer")
