"""How a conversation goes: which acts follow each other, with skips, failures, handoffs and false claims."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from orchestration.labelling.training.draft import Draft
from orchestration.labelling.training.grammar import Grammar, Speaker
from orchestration.labelling.training.labelled import LabelledConversation

_ERRORS = ("timeout", "not found", "conflict", "service unavailable")


def compose(grammar: Grammar, conversation_id: str, rng: random.Random) -> LabelledConversation:
    """Compose one conversation; the same grammar, id and state of `rng` give the same one."""
    return _Scene(grammar, conversation_id, rng).play()


class _Scene:
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

    def play(self) -> LabelledConversation:
        self._open()
        concerns: list[tuple[float, Callable[[], None]]] = [
            (0.62, self._transaction),
            (0.19, self._fault),
            (0.16, self._question),
            (0.03, self._nothing),
        ]
        for _ in range(self.rng.choices((1, 2, 3), (0.62, 0.28, 0.1))[0]):
            self.rng.choices([scene for _, scene in concerns], [weight for weight, _ in concerns])[0]()
        while self._chance(0.5):
            self._customer("thanks", "courtesy")
            if self._chance(0.8):
                self._say("close", "courtesy")
        return self.draft.finished()

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _c(self, text: str, *acts: str) -> None:
        self.draft.customer(text.lower() if self.lowers else text, *acts)

    def _customer(self, kind: str, *acts: str, **slots: str) -> None:
        self._c(self.speaker.pick(self.grammar.customer[kind], **slots), *acts)

    def _a(self, text: str, *acts: str, settles: bool | None = None) -> None:
        self.draft.agent(
            json.dumps({"message": text}, ensure_ascii=False) if self.is_wrapped else text, *acts, settles=settles
        )

    def _phrase(self, kind: str, **slots: str) -> str:
        return self.speaker.pick(self.grammar.agent[kind], **slots)

    def _say(self, kind: str, *acts: str, settles: bool | None = None, **slots: str) -> None:
        self._a(self._led(self._phrase(kind, **slots)), *acts, settles=settles)

    def _led(self, text: str) -> str:
        return self.speaker.pick(self.grammar.lists["lead"], x=text) if self._chance(0.4) else text

    def _request(self, lines: tuple[str, ...]) -> str:
        return self.speaker.pick(self.grammar.lists["intro"], x=self.speaker.pick(lines))

    def _tool(self, name: str, *, is_error: bool = False, is_write: bool = False) -> None:
        if not self.logs_tools:
            return
        result: dict[str, object] = (
            {"error": self.rng.choice(_ERRORS)} if is_error else {"ok": True, "id": self.rng.randint(1, 9999)}
        )
        marks = self.marks_writes
        self.draft.tool(name, json.dumps(result), is_error=is_error and marks, is_write=is_write and marks)

    def _open(self) -> None:
        if self._chance(0.15):
            self._say("greet", "courtesy")
        if self._chance(0.3):
            self._customer("greet", "courtesy")
            self._say("greet", "courtesy")
        if self._chance(0.07):
            self._customer("chat", "courtesy")
            self._say("chat", "courtesy")
        if self._chance(0.07):
            self._customer("vague", "courtesy")
            self._say("greet", "courtesy")

    def _identify(self, probability: float) -> None:
        if not self._chance(probability):
            return
        self._say("identify", "identification")
        self._customer("identity", "information")
        if self._chance(0.25):
            self._say("identify", "identification")
            self._customer("identity", "information")
        if self._chance(0.4):
            self._tool("verify_customer")

    def _wait(self, probability: float) -> None:
        if self._chance(probability):
            self._say("wait", "courtesy")
            if self._chance(0.4):
                self._c(self.speaker.pick(self.grammar.customer["thanks"][:1]), "courtesy")

    def _transaction(self) -> None:
        domain = self.rng.choice(self.grammar.transactions)
        later = self.draft.has_concern
        act = "more" if later else "concern"
        if later and self._chance(0.5):
            self._customer("more", act, request_low=self.speaker.pick(domain["request"]).lower())
        else:
            self._c(self._request(domain["request"]), act)
        self._identify(0.25)
        if self._chance(0.12):
            self._end_without_solution()
            return
        for _ in range(self.rng.choices((0, 1, 2, 3), (0.2, 0.35, 0.3, 0.15))[0]):
            self._ask(domain)
        self._wait(0.12)
        if self._chance(0.2):
            # Ordered and done, nothing was offered.
            self._carry_out(domain, is_offered=False)
            return
        if self._chance(0.7):
            self._tool(domain["search"])
        self._offers(domain)

    def _ask(self, domain: Mapping[str, Any]) -> None:
        if self._chance(0.65):
            question, *replies = self.rng.choice(domain["asks"]).split(" | ")
            self._a(self._led(self.speaker.fill(question)), "ask")
            self._c(self.speaker.pick(tuple(replies)), "information")
        else:
            self._say(*(("generic_ask", "ask") if self._chance(0.6) else ("generic_restate", "restatement")))
            if self._chance(0.2):
                self._c(self.speaker.fill(self.grammar.customer["agree"][0]), "agreement")
            else:
                replies = tuple(self.rng.choice(domain["asks"]).split(" | ")[1:])
                self._c(self.speaker.pick(replies), "information")

    def _offers(self, domain: Mapping[str, Any]) -> None:
        self._offer(domain)
        while self._chance(0.3):
            if self._chance(0.55):
                self._customer("decline", "refusal")
                self._wait(0.1)
                self._offer(domain)
            else:
                self._customer("more", "more", request_low=self.speaker.pick(domain["request"]).lower())
                self._answer(self.rng.choice(self.grammar.questions)[1])
        if self._chance(0.1):
            self._customer("decline", "refusal")
            if self._chance(0.5):
                self._say("close", "courtesy")
            return
        self._agree(domain)
        if self._chance(0.15):
            # The search itself was what was asked for: with the choice made nothing is left to do.
            self._say("close", "courtesy", settles=True)
            return
        if self._chance(0.3):
            self._ask(domain)
        if self._chance(0.45):
            bare = self.speaker.fill(domain["offer"][-1])
            self._say("confirm", "offer", offer_bare=bare)
            if self._chance(0.2):
                self._customer("decline", "refusal")
                self._say("confirm", "offer", offer_bare=self.speaker.fill(domain["offer"][-1]))
            self._agree(domain)
        self._wait(0.15)
        self._carry_out(domain, is_offered=True)

    def _agree(self, domain: Mapping[str, Any]) -> None:
        text = self.speaker.pick(self.grammar.customer["agree"])
        match self.rng.choices(("alone", "details", "question", "thanks"), (0.6, 0.2, 0.1, 0.1))[0]:
            case "alone":
                self._c(text, "agreement")
            case "details":
                details = self.speaker.pick((*domain["request"], *self.rng.choice(domain["asks"]).split(" | ")[1:]))
                self._c(f"{text.rstrip('.!')}. {details}", "agreement", "information")
            case "question":
                more = self.speaker.pick(
                    self.grammar.customer["more"], request_low=self.speaker.pick(domain["request"])
                )
                self._c(f"{text.rstrip('.!')}. {more}", "agreement", "more")
                self._answer(self.rng.choice(self.grammar.questions)[1])
            case _:
                self._c(f"{text.rstrip('.!')}. {self.speaker.pick(self.grammar.customer['thanks'])}", "agreement")

    def _offer(self, domain: Mapping[str, Any]) -> None:
        if self._chance(0.7):
            self._a(self._led(self.speaker.pick(domain["offer"][:-1])), "offer")
        else:
            self._say("generic_offer", "offer")

    def _answer(self, answer: str) -> None:
        text = self.speaker.fill(answer)
        if self._chance(0.25):
            self._a(f"{text} {self._phrase('close')}", "answer")
        else:
            self._a(self._led(text), "answer")

    def _carry_out(self, domain: Mapping[str, Any], *, is_offered: bool) -> None:
        course = self.rng.choices(("done", "failure", "false claim", "promise", "open"), (0.66, 0.16, 0.06, 0.06, 0.06))
        match course[0]:
            case "done":
                self._tool(domain["write"], is_write=True)
                self._claim(domain)
                self._aftermath()
            case "failure":
                self._tool(domain["write"], is_error=self._chance(0.7), is_write=True)
                self._fail(domain, is_offered=is_offered)
            case "false claim":
                was_logging, was_marking, self.logs_tools, self.marks_writes = (
                    *(self.logs_tools, self.marks_writes),
                    True,
                    True,
                )
                self._tool(domain["write"], is_error=True, is_write=True)
                self.logs_tools, self.marks_writes = was_logging, was_marking
                self._claim(domain, settles=False)
            case "promise":
                self._say("promise", "promise")

    def _claim(self, domain: Mapping[str, Any], *, settles: bool | None = None) -> None:
        text = self.speaker.pick(domain["done"]) if self._chance(0.6) else self._phrase("generic_claim")
        if self._chance(0.35):
            text = f"{text} {self._phrase('close')}"
        self._a(self._led(text), "claim", settles=settles)

    def _fail(self, domain: Mapping[str, Any], *, is_offered: bool) -> None:
        text = self._phrase("generic_fail")
        if self._chance(0.3):
            text = f"{text} {self.speaker.pick(domain['offer'][:-1])}"
            self._a(text, "failure", "offer")
        else:
            self._a(text, "failure")
            if self._chance(0.35):
                self._customer("thanks" if self._chance(0.5) else "sarcasm", "courtesy")
                self._say("sorry" if self._chance(0.5) else "close", "courtesy")
            if not self._chance(0.5):
                return
            self._offer(domain)
        if self._chance(0.6):
            self._customer("agree", "agreement")
            self._tool(domain["write"], is_write=True)
            self._claim(domain)
        elif is_offered and self._chance(0.5):
            self._customer("decline", "refusal")

    def _aftermath(self) -> None:
        if self._chance(0.2):
            self._customer("more", "more", request_low=self.rng.choice(self.grammar.questions)[0])
            self._answer(self.rng.choice(self.grammar.questions)[1])
        elif self._chance(0.1):
            self._customer("complain", "complaint")
            self._say(*self.rng.choice((("sorry", "courtesy"), ("promise", "promise"), ("wait", "courtesy"))))
            if self._chance(0.4):
                self._say("generic_claim", "claim")
        if self._chance(0.35):
            self._customer("thanks", "courtesy")
            self._say("close", "courtesy")

    def _end_without_solution(self) -> None:
        match self.rng.choice(("handoff", "refusal", "alternative", "promise", "push", "silence")):
            case "handoff":
                self._say("handoff", "handoff")
            case "refusal":
                self._say("generic_refuse", "refusal")
            case "alternative":
                self._say("generic_refuse_alternative", "offer", "refusal", settles=False)
                self._customer(*(("agree", "agreement") if self._chance(0.4) else ("decline", "refusal")))
            case "promise":
                self._say("promise", "promise")
                self._customer("sarcasm" if self._chance(0.5) else "thanks", "courtesy")
            case "push":
                self._say("generic_restate", "restatement")
                self._customer("push", "courtesy")

    def _fault(self) -> None:
        domain = self.rng.choice(self.grammar.faults)
        self._c(self._request(domain["problem"]), "more" if self.draft.has_concern else "concern")
        if self._chance(0.15):
            self._say("sorry", "courtesy")
        self._identify(0.2)
        if self._chance(0.12):
            self._end_without_solution()
            return
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            self._diagnose(domain)
        if self._chance(0.4):
            self._tool(domain["tool"])
        if self._chance(0.15):
            self._a(self._led(self.speaker.pick(domain["fixed"])), "claim")
            return
        self._steps(domain)
        if self._chance(0.4):
            self._customer("complain", "complaint")
            self._steps(domain)
        match self.rng.choice(("worked", "worked", "fixed", "fixed", "still", "open")):
            case "worked":
                self._customer("worked", "done")
                self.draft.undecided("resolved")
                if self._chance(0.5):
                    self._say("close", "courtesy")
            case "fixed":
                self._customer("did", "done")
                self._tool(domain["tool"])
                self._a(self._led(self.speaker.pick(domain["fixed"])), "claim")
            case "still":
                self._customer("complain", "complaint")
                self._say(*(("handoff", "handoff") if self._chance(0.5) else ("promise", "promise")))

    def _diagnose(self, domain: Mapping[str, Any]) -> None:
        if self._chance(0.6):
            question, *replies = self.rng.choice(domain["diagnose"]).split(" | ")
            self._a(self._led(self.speaker.fill(question)), "ask")
            self._c(self.speaker.pick(tuple(replies)), "information")
        else:
            self._say("generic_restate", "restatement")
            self._c(self.speaker.pick(domain["problem"]), "information")

    def _steps(self, domain: Mapping[str, Any]) -> None:
        self._a(self._led(self.speaker.pick(domain["steps"])), "steps")
        if self._chance(0.3):
            self._customer("did", "done")

    def _question(self) -> None:
        question, answer = self.rng.choice(self.grammar.questions)
        self._c(self._request((question,)), "more" if self.draft.has_concern else "concern")
        if self._chance(0.1):
            self._say("generic_ask", "ask")
            self._c(self.speaker.fill("{proper}"), "information")
        self._wait(0.12)
        if self._chance(0.15):
            self._tool("lookup_information")
        if self._chance(0.1):
            kind = self.rng.choice(("promise", "handoff"))
            self._say(kind, kind)
            return
        self._answer(answer)
        if self._chance(0.4):
            self._customer("thanks", "courtesy")
            self._say("close", "courtesy")

    def _nothing(self) -> None:
        self._customer("chat", "courtesy")
        self._say("chat", "courtesy")
        if self._chance(0.3):
            self._customer("push", "courtesy")
            self._say("greet", "courtesy")
