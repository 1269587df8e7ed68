"""How a conversation goes: which acts follow each other, with skips, failures, handoffs and false claims."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from orchestration.classification.labelled import LabelledConversation
from orchestration.classification.training.grammar import Grammar
from orchestration.classification.training.scene import Scene


def compose(grammar: Grammar, conversation_id: str, rng: random.Random) -> LabelledConversation:
    """Compose one conversation; the same grammar, id and state of `rng` give the same one."""
    return _Course(grammar, conversation_id, rng).play()


class _Course(Scene):
    def play(self) -> LabelledConversation:
        self.open_up()
        concerns: list[tuple[float, Callable[[], None]]] = [
            (0.62, self._transaction),
            (0.19, self._fault),
            (0.16, self._question),
            (0.03, self._nothing),
        ]
        for _ in range(self.rng.choices((1, 2, 3), (0.62, 0.28, 0.1))[0]):
            self.rng.choices([scene for _, scene in concerns], [weight for weight, _ in concerns])[0]()
        while self.chance(0.5):
            self.customer("thanks", "courtesy")
            if self.chance(0.8):
                self.say("close", "courtesy")
        return self.draft.finished()

    def _transaction(self) -> None:
        domain = self.rng.choice(self.grammar.transactions)
        later = self.draft.has_concern
        act = "more" if later else "concern"
        if later and self.chance(0.5):
            self.customer("more", act, request_low=self.speaker.pick(domain["request"]).lower())
        else:
            self.customer_says(self.request(domain["request"]), act)
            self._misunderstand(domain["request"])
        self.identify(0.25)
        if self.chance(0.12):
            self._end_without_solution()
            return
        for _ in range(self.rng.choices((0, 1, 2, 3), (0.2, 0.35, 0.3, 0.15))[0]):
            self._ask(domain)
        self.wait(0.12)
        if self.chance(0.2):
            # Ordered and done, nothing was offered.
            self._carry_out(domain, is_offered=False)
            return
        if self.chance(0.7):
            self.tool(domain["search"])
        self._offers(domain)

    def _misunderstand(self, lines: tuple[str, ...]) -> None:
        """Draw whether the agent understands nothing, once or more: that shows no problem and proposes none."""
        while self.chance(0.08):
            self.say("not_understood", "courtesy")
            if self.chance(0.8):
                self.customer_says(self.speaker.pick(lines), "concern")

    def _ask(self, domain: Mapping[str, Any]) -> None:
        if self.chance(0.65):
            question, *replies = self.rng.choice(domain["asks"]).split(" | ")
            self.agent_says(self.led(self.speaker.fill(question)), "ask")
            self.customer_says(self.speaker.pick(tuple(replies)), "information")
        else:
            self.say(*(("generic_ask", "ask") if self.chance(0.6) else ("generic_restate", "restatement")))
            if self.chance(0.2):
                self.customer_says(self.speaker.fill(self.grammar.customer["agree"][0]), "agreement")
            else:
                replies = tuple(self.rng.choice(domain["asks"]).split(" | ")[1:])
                self.customer_says(self.speaker.pick(replies), "information")

    def _offers(self, domain: Mapping[str, Any]) -> None:
        self._offer(domain)
        while self.chance(0.3):
            if self.chance(0.55):
                self.customer("decline", "refusal")
                self.wait(0.1)
                self._offer(domain)
            else:
                self.customer("more", "more", request_low=self.speaker.pick(domain["request"]).lower())
                self._answer(self.rng.choice(self.grammar.questions)[1])
        if self.chance(0.1):
            self.customer("decline", "refusal")
            if self.chance(0.5):
                self.say("close", "courtesy")
            return
        self._agree(domain)
        if self.chance(0.15):
            # The search itself was what was asked for: with the choice made nothing is left to do.
            self.say("close", "courtesy", resolves=True)
            return
        if self.chance(0.3):
            self._ask(domain)
        if self.chance(0.45):
            bare = self.speaker.fill(domain["offer"][-1])
            self.say("confirm", "offer", offer_bare=bare)
            if self.chance(0.2):
                self.customer("decline", "refusal")
                self.say("confirm", "offer", offer_bare=self.speaker.fill(domain["offer"][-1]))
            self._agree(domain)
        self.wait(0.15)
        self._carry_out(domain, is_offered=True)

    def _agree(self, domain: Mapping[str, Any]) -> None:
        text = self.speaker.pick(self.grammar.customer["agree"])
        match self.rng.choices(("alone", "details", "question", "thanks"), (0.6, 0.2, 0.1, 0.1))[0]:
            case "alone":
                self.customer_says(text, "agreement")
            case "details":
                details = self.speaker.pick((*domain["request"], *self.rng.choice(domain["asks"]).split(" | ")[1:]))
                self.customer_says(f"{text.rstrip('.!')}. {details}", "agreement", "information")
            case "question":
                more = self.speaker.pick(
                    self.grammar.customer["more"], request_low=self.speaker.pick(domain["request"])
                )
                self.customer_says(f"{text.rstrip('.!')}. {more}", "agreement", "more")
                self._answer(self.rng.choice(self.grammar.questions)[1])
            case _:
                self.customer_says(
                    f"{text.rstrip('.!')}. {self.speaker.pick(self.grammar.customer['thanks'])}", "agreement"
                )

    def _offer(self, domain: Mapping[str, Any]) -> None:
        if self.chance(0.7):
            self.agent_says(self.led(self.speaker.pick(domain["offer"][:-1])), "offer")
        else:
            self.say("generic_offer", "offer")

    def _answer(self, answer: str) -> None:
        text = self.speaker.fill(answer)
        if self.chance(0.25):
            self.agent_says(f"{text} {self.phrase('close')}", "answer")
        else:
            self.agent_says(self.led(text), "answer")

    def _carry_out(self, domain: Mapping[str, Any], *, is_offered: bool) -> None:
        course = self.rng.choices(("done", "failure", "false claim", "promise", "open"), (0.66, 0.16, 0.06, 0.06, 0.06))
        match course[0]:
            case "done":
                self.tool(domain["write"], is_write=True)
                self._claim(domain)
                self._aftermath()
            case "failure":
                self.tool(domain["write"], is_error=self.chance(0.7), is_write=True)
                self._fail(domain, is_offered=is_offered)
            case "false claim":
                was_logging, was_marking, self.logs_tools, self.marks_writes = (
                    *(self.logs_tools, self.marks_writes),
                    True,
                    True,
                )
                self.tool(domain["write"], is_error=True, is_write=True)
                self.logs_tools, self.marks_writes = was_logging, was_marking
                self._claim(domain, resolves=False)
            case "promise":
                self.put_off("promise")

    def _claim(self, domain: Mapping[str, Any], *, resolves: bool | None = None) -> None:
        text = self.speaker.pick(domain["done"]) if self.chance(0.6) else self.phrase("generic_claim")
        if self.chance(0.35):
            text = f"{text} {self.phrase('close')}"
        self.agent_says(self.led(text), "claim", resolves=resolves)

    def _fail(self, domain: Mapping[str, Any], *, is_offered: bool) -> None:
        text = self.phrase("generic_fail")
        if self.chance(0.3):
            text = f"{text} {self.speaker.pick(domain['offer'][:-1])}"
            self.agent_says(text, "failure", "offer")
        else:
            self.agent_says(text, "failure")
            if self.chance(0.35):
                self.customer("thanks" if self.chance(0.5) else "sarcasm", "courtesy")
                self.say("sorry" if self.chance(0.5) else "close", "courtesy")
            if not self.chance(0.5):
                return
            self._offer(domain)
        if self.chance(0.6):
            self.customer("agree", "agreement")
            self.tool(domain["write"], is_write=True)
            self._claim(domain)
        elif is_offered and self.chance(0.5):
            self.customer("decline", "refusal")

    def _aftermath(self) -> None:
        if self.chance(0.2):
            self.customer("more", "more", request_low=self.speaker.fill(self.rng.choice(self.grammar.questions)[0]))
            self._answer(self.rng.choice(self.grammar.questions)[1])
        elif self.chance(0.1):
            self.customer("complain", "complaint")
            self.say(*self.rng.choice((("sorry", "courtesy"), ("promise", "promise"), ("wait", "courtesy"))))
            if self.chance(0.4):
                self.say("generic_claim", "claim")
        if self.chance(0.35):
            self.customer("thanks", "courtesy")
            self.say("close", "courtesy")

    def _end_without_solution(self) -> None:
        match self.rng.choice(("handoff", "refusal", "alternative", "promise", "push", "silence")):
            case "handoff":
                self.put_off("handoff")
            case "refusal":
                self.say("generic_refuse", "refusal")
            case "alternative":
                self.say("generic_refuse_alternative", "offer", "refusal", resolves=False)
                self.customer(*(("agree", "agreement") if self.chance(0.4) else ("decline", "refusal")))
            case "promise":
                self.put_off("promise")
                self.customer("sarcasm" if self.chance(0.5) else "thanks", "courtesy")
            case "push":
                self.say("generic_restate", "restatement")
                self.customer("push", "courtesy")

    def _fault(self) -> None:
        domain = self.rng.choice(self.grammar.faults)
        self.customer_says(self.request(domain["problem"]), "more" if self.draft.has_concern else "concern")
        self._misunderstand(domain["problem"])
        if self.chance(0.15):
            self.say("sorry", "courtesy")
        self.identify(0.2)
        if self.chance(0.12):
            self._end_without_solution()
            return
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            self._diagnose(domain)
        if self.chance(0.4):
            self.tool(domain["tool"])
        if self.chance(0.15):
            self.agent_says(self.led(self.speaker.pick(domain["fixed"])), "claim")
            return
        self._steps(domain)
        if self.chance(0.4):
            self.customer("complain", "complaint")
            self._steps(domain)
        match self.rng.choice(("worked", "worked", "fixed", "fixed", "still", "open")):
            case "worked":
                self.customer("worked", "done")
                self.draft.undecided("resolved")
                if self.chance(0.5):
                    self.say("close", "courtesy")
            case "fixed":
                self.customer("did", "done")
                self.tool(domain["tool"])
                self.agent_says(self.led(self.speaker.pick(domain["fixed"])), "claim")
            case "still":
                self.customer("complain", "complaint")
                self.put_off("handoff" if self.chance(0.5) else "promise")

    def _diagnose(self, domain: Mapping[str, Any]) -> None:
        if self.chance(0.6):
            question, *replies = self.rng.choice(domain["diagnose"]).split(" | ")
            self.agent_says(self.led(self.speaker.fill(question)), "ask")
            self.customer_says(self.speaker.pick(tuple(replies)), "information")
        else:
            self.say("generic_restate", "restatement")
            self.customer_says(self.speaker.pick(domain["problem"]), "information")

    def _steps(self, domain: Mapping[str, Any]) -> None:
        self.agent_says(self.led(self.speaker.pick(domain["steps"])), "steps")
        if self.chance(0.3):
            self.customer("did", "done")

    def _question(self) -> None:
        question, answer = self.rng.choice(self.grammar.questions)
        self.customer_says(self.request((question,)), "more" if self.draft.has_concern else "concern")
        self._misunderstand((question,))
        if self.chance(0.1):
            self.say("generic_ask", "ask")
            self.customer_says(self.speaker.fill("{proper}"), "information")
        self.wait(0.12)
        if self.chance(0.15):
            self.tool("lookup_information")
        if self.chance(0.1):
            kind = self.rng.choice(("promise", "handoff"))
            self.put_off(kind)
            return
        self._answer(answer)
        if self.chance(0.4):
            self.customer("thanks", "courtesy")
            self.say("close", "courtesy")

    def _nothing(self) -> None:
        self.customer("chat", "courtesy")
        self.say("chat", "courtesy")
        if self.chance(0.3):
            self.customer("push", "courtesy")
            self.say("greet", "courtesy")
