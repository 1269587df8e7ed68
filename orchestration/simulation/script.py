"""Writes one conversation, act by act: a cursor in time, the texts of one language, what the source can report."""

import random

from orchestration.simulation.plan import MINUTE_MS, SECOND_MS, Act, Says, SaysAgain, Value, Visit, random_stream
from orchestration.simulation.spoken_phrases import TOPIC_TOOLS, draw_slots, general_texts, sales_texts, topic_texts

_MESSAGES = frozenset({"interaction_initialized", "user_message", "agent_message"})
_AGENT_KINDS = frozenset(
    {
        "conversation_started", "user_message", "agent_message", "tool_called", "handoff_requested",
        "feedback_received", "conversation_completed", "conversation_abandoned",
    }
)  # fmt: skip
_CHAT_KINDS = frozenset(
    {
        "conversation_started", "user_message", "agent_message", "tool_called", "handoff_requested",
        "feedback_received", "conversation_ended", "fallback_triggered", "conversion", "button_clicked",
        "flow_started", "flow_completed", "flow_abandoned", "experiment_exposure",
    }
)  # fmt: skip
_SALES_KINDS = frozenset(
    {
        "conversation_started", "user_message", "agent_message", "handoff_requested", "conversation_ended",
        "qualified", "meeting_booked", "meeting_attended", "opportunity_created", "deal_closed",
    }
)  # fmt: skip
STAGE_KINDS = frozenset({"problem_identified", "solution_proposed", "solution_accepted", "problem_resolved"})
_EVENTS_KINDS = _AGENT_KINDS | _CHAT_KINDS | _SALES_KINDS | STAGE_KINDS | {"handoff_connected"}

# Acts a source has no word for are left out of its conversations, as they would be in life.
CAPABILITIES = {
    "events": _EVENTS_KINDS,
    "agent_events": _AGENT_KINDS | STAGE_KINDS,
    "chat_events": _CHAT_KINDS | STAGE_KINDS,
    "sales_events": _SALES_KINDS,
    "agentsight_interactions": _MESSAGES,
}

_MEANINGS: dict[str, Says] = {"thanks": "courtesy", "still_broken": "denial", "reject": "denial"}
# Half of the rephrases use a wording of the same question; the others draw another text.
_IN_OWN_WORDS = 0.5


def _after_salutation(salutation: str, text: str) -> str:
    if not salutation or text.startswith("I "):
        return salutation + text
    return salutation + text[0].lower() + text[1:]


class Script:
    """Builds the acts of one visit. All randomness comes from `rng`, so a script can be replayed."""

    def __init__(self, visit: Visit, rng: random.Random, topic: str, *, tools_down: bool = False) -> None:
        self.visit = visit
        self.rng = rng
        self.topic = topic
        self.tools_down = tools_down
        self.now_ms = visit.started_ms
        self.acts: list[Act] = []
        self.can = CAPABILITIES[visit.source]
        self.reading_tool, self.writing_tool, self.intent = TOPIC_TOOLS[topic]
        self.reports_stages = rng.random() < 0.4
        self._texts = (
            sales_texts(visit.language)
            if visit.purpose == "sales"
            else general_texts(visit.language) | topic_texts(visit.language, topic)
        )
        self._general = general_texts(visit.language)
        self._slots = draw_slots(rng)
        # A stream of its own: the wording of a text moves no draw of what happens.
        self._wording = random_stream(visit.started_ms, "wording")
        self._last_template = ""
        self._request = 0
        self._last_said = ("", "")
        self._last_customer_text = ""
        self._open_flow: str | None = None

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.rng.random() < probability

    def wait(self, low_seconds: float, high_seconds: float) -> None:
        """Let time pass."""
        self.now_ms += int(self.rng.uniform(low_seconds, high_seconds) * SECOND_MS)

    def add(self, kind: str, **data: Value) -> bool:
        """Put an act at the present moment; False when the source has no word for it."""
        if kind not in self.can:
            return False
        self.acts.append(Act(kind, self.now_ms, data))
        return True

    def add_later(self, kind: str, delay_ms: int, **data: Value) -> bool:
        """Put an act after the present moment without moving the conversation on (late conversions, CRM outcomes)."""
        if kind not in self.can:
            return False
        self.acts.append(Act(kind, self.now_ms + delay_ms, data))
        return True

    def say(self, slot: str) -> str:
        """Choose a text for one place in the dialogue and fill its slots."""
        return self._choose(slot).format_map(self._slots)

    def _choose(self, slot: str) -> str:
        texts = self._texts_of(slot)
        # No text follows itself by accident: repeats are written on purpose (`repeat`).
        self._last_template = self.rng.choice([text for text in texts if text != self._last_template] or texts)
        return self._last_template

    def _texts_of(self, slot: str) -> list[str]:
        return self._texts.get(slot) or self._general[slot]

    def customer(self, slot: str, *, intent: str | None = None, sentiment: float = 0.0) -> None:
        """Let the customer speak. `sentiment` is the middle of the sentiment score, -1..1."""
        self.wait(4, 55)
        last_slot, last_template = self._last_said
        template = self._choose(slot)
        if slot == "rephrase" and self._wording.random() < _IN_OWN_WORDS:
            # The second time back to how it was asked first.
            reworded, first = (self._texts[slot][self._request] for slot in ("reworded", "opening"))
            template = first if last_template == reworded else reworded
        if template == last_template:
            # The agent spoke in between: the draw excludes only the last text of all.
            others = self._texts_of(slot)
            template = others[(others.index(template) + 1) % len(others)] if template in others else self._last_template
        self._last_said = (slot, template)
        text = template.format_map(self._slots)
        if slot == "opening":
            self._request = self._texts_of(slot).index(template)
            text = _after_salutation(self.rng.choice(self._general["opening_prefix"]), text)
        if self.chance(0.12):
            text = text.lower().rstrip(".")
        is_again = slot == "rephrase" and last_slot in {"opening", "rephrase"}
        self._speak(text, intent, sentiment, "rephrase" if is_again else None, _MEANINGS.get(slot))

    def repeat(self) -> None:
        """Let the customer repeat the last message, letter by letter."""
        self.wait(8, 70)
        self._speak(self._last_customer_text, None, -0.3, "repeat")

    def _speak(
        self,
        text: str,
        intent: str | None,
        sentiment: float,
        says_again: SaysAgain | None,
        says: Says | None = None,
    ) -> None:
        self._last_customer_text = text
        data: dict[str, Value] = {"content": text}
        # Only some sources score messages; the others leave it to the reader.
        if self.visit.source in {"events", "sales_events"}:
            data["sentiment"] = round(max(-1.0, min(1.0, self.rng.gauss(sentiment, 0.25))), 3)
        if intent is not None and self.visit.source != "agentsight_interactions":
            data["intent"] = intent
            data["intent_confidence"] = round(self.rng.uniform(0.55, 0.99), 3)
        self.acts.append(Act("user_message", self.now_ms, data, says_again=says_again, says=says))

    def agent(self, slot: str, *, may_tie: bool = True) -> None:
        """Let the agent answer: usually in seconds, now and then after minutes, sometimes in the same instant."""
        draw = self.rng.random()
        if may_tie and draw < 0.04 and self.visit.source != "agentsight_interactions":
            pass
        elif draw > 0.97:
            self.wait(70, 420)
        else:
            self.wait(0.6, 9)
        text = self.say(slot)
        tokens_in, tokens_out = 180 + 60 * len(self.acts), 8 + len(text) // 4
        model = "demo-tiny-1" if self.chance(0.02) else self.visit.model
        data: dict[str, Value] = {"content": text}
        if self.visit.source in {"events", "agent_events", "chat_events"}:
            data |= {
                "model": model,
                "tokens_in": tokens_in,
                "tokens_out": tokens_out,
                "cost_usd": round(tokens_in * 2e-7 + tokens_out * 8e-7, 8),
            }
        self.add("agent_message", **data)

    def stage(self, kind: str) -> None:
        """Report a support stage, in conversations whose system writes them."""
        if self.reports_stages:
            self.wait(0.01, 0.4)
            self.add(kind)

    def tool(self, *, is_write: bool = False, fails: bool = False) -> None:
        """Let the agent call a system of its own."""
        self.wait(0.2, 3)
        name = self.writing_tool if is_write else self.reading_tool
        self.add("tool_called", tool_name=name, is_write=is_write, failed=fails)

    def start_flow(self, flow_name: str) -> None:
        """Let the customer enter a guided flow."""
        self.wait(1, 20)
        if self.add("flow_started", flow_name=flow_name):
            self._open_flow = flow_name

    def close_flow(self, kind: str) -> None:
        """End the guided flow, if one is open, as `kind` (flow_completed or flow_abandoned)."""
        if self._open_flow is not None:
            self.wait(0.5, 5)
            self.add(kind, flow_name=self._open_flow)
            self._open_flow = None

    def fallback(self) -> None:
        """Report that the agent did not understand, and let it say so."""
        self.wait(0.3, 2)
        self.add("fallback_triggered")
        self.agent("fallback", may_tie=False)

    def feedback(self, rating: int, rating_type: str, question_kind: str | None) -> None:
        """One answer to a feedback question. `rating` is 0/1 for thumbs and 1..5 for stars."""
        self.wait(5, 240)
        self.add("feedback_received", rating=rating, rating_type=rating_type, question_kind=question_kind)

    def go_silent(self) -> None:
        """No message follows; what follows (an abandoned mark) comes after minutes."""
        self.now_ms += self.rng.randrange(6 * MINUTE_MS, 28 * MINUTE_MS)
