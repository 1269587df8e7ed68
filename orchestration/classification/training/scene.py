"""How the sides of a composed conversation speak: manners, courtesies, tools and what they give."""

import json
import random

from orchestration.classification.training.draft import Draft
from orchestration.classification.training.grammar import Grammar, Speaker

_ERRORS: tuple[object, ...] = ("timeout", "not found", "conflict", "service unavailable")
_FAILURES: tuple[object, ...] = (
    *({"success": False}, {"status": "failed"}, {"Message": "Request Rejected"}, {"state": "Unavailable"}),
    *("Error: the service does not answer", [], None),
)


class Scene:
    """Speaks for both sides and lets tools run, in the manner this conversation was given."""

    def __init__(self, grammar: Grammar, conversation_id: str, rng: random.Random) -> None:
        self.rng = rng
        self.grammar = grammar
        self.speaker = Speaker(grammar, rng)
        self.draft = Draft(conversation_id, rng)
        self.is_wrapped = rng.random() < 0.06
        # Some firms mark writing tools, others do not; some log no tools at all.
        self.logs_tools = rng.random() < 0.7
        self.marks_writes = rng.random() < 0.5
        self.lowers = rng.random() < 0.25

    def chance(self, probability: float) -> bool:
        """Draw whether something of this probability happens."""
        return self.rng.random() < probability

    def customer_says(self, text: str, *acts: str) -> None:
        """Let the customer say a text as it is."""
        self.draft.customer(text.lower() if self.lowers else text, *acts)

    def customer(self, kind: str, *acts: str, **slots: str) -> None:
        """Let the customer say a phrase of a kind."""
        self.customer_says(self.speaker.pick(self.grammar.customer[kind], **slots), *acts)

    def agent_says(self, text: str, *acts: str, resolves: bool | None = None) -> None:
        """Let the agent say a text as it is."""
        self.draft.agent(
            json.dumps({"message": text}, ensure_ascii=False) if self.is_wrapped else text, *acts, resolves=resolves
        )

    def phrase(self, kind: str, **slots: str) -> str:
        """Draw a phrase of the agent."""
        return self.speaker.pick(self.grammar.agent[kind], **slots)

    def say(self, kind: str, *acts: str, resolves: bool | None = None, **slots: str) -> None:
        """Let the agent say a phrase of a kind."""
        self.agent_says(self.led(self.phrase(kind, **slots)), *acts, resolves=resolves)

    def led(self, text: str) -> str:
        """Put a word of courtesy before some texts."""
        if self.chance(0.06):
            return f"{self.phrase('sorry')} {text}"
        return self.speaker.pick(self.grammar.lists["lead"], x=text) if self.chance(0.4) else text

    def put_off(self, kind: str) -> None:
        """Promise or hand over; an agent that names the matter shows to have understood it."""
        if self.chance(0.5):
            self.say(f"{kind}_named", kind, "restatement")
        else:
            self.say(kind, kind)

    def request(self, lines: tuple[str, ...]) -> str:
        """Draw how the customer begins with a concern."""
        return self.speaker.pick(self.grammar.lists["intro"], x=self.speaker.pick(lines))

    def tool(self, name: str, *, is_error: bool = False, is_write: bool = False) -> None:
        """Let a tool run, where this firm logs them."""
        if not self.logs_tools:
            return
        result = self.failed_result() if is_error else self.result()
        marks = self.marks_writes
        self.draft.tool(name, json.dumps(result), is_error=is_error and marks, is_write=is_write and marks)

    def failed_result(self) -> object:
        """Draw what a call that went wrong gives."""
        if self.chance(0.5):
            return {"error": self.rng.choice(_ERRORS)}
        return self.rng.choice(_FAILURES)

    def result(self) -> object:
        """Draw what a call that went well gives: a receipt, or rows; any tool may give either, as real ones do."""
        if self.chance(0.4):
            return {"ok": True, "id": self.rng.randint(1, 9999)}
        rows = [{"id": self.rng.randint(1, 9999), "name": f"{number}"} for number in range(self.rng.randint(1, 4))]
        return rows if self.chance(0.6) else rows[0]

    def open_up(self) -> None:
        """Draw greetings and small talk."""
        if self.chance(0.15):
            self.say("greet", "courtesy")
        if self.chance(0.3):
            self.customer("greet", "courtesy")
            self.say("greet", "courtesy")
        if self.chance(0.07):
            self.customer("chat", "courtesy")
            self.say("chat", "courtesy")
        if self.chance(0.07):
            self.customer("vague", "courtesy")
            self.say("greet", "courtesy")

    def identify(self, probability: float) -> None:
        """Ask who the customer is, with this probability."""
        if not self.chance(probability):
            return
        self.say("identify", "identification")
        self.customer("identity", "information")
        if self.chance(0.25):
            self.say("identify", "identification")
            self.customer("identity", "information")
        if self.chance(0.4):
            self.tool("verify_customer")

    def wait(self, probability: float) -> None:
        """Ask for patience, with this probability."""
        if self.chance(probability):
            self.say("wait", "courtesy")
            if self.chance(0.4):
                self.customer_says(self.speaker.pick(self.grammar.customer["thanks"][:1]), "courtesy")
