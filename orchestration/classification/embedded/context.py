"""Dense numbers for each message: what it does, what was done before it, what tools did.

Numbers for agent messages and tools come from the agent's side alone. `concern`, next to them, holds what customers
wrote and is for `problem_identified` only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from orchestration.classification.acts import AGENT_ACTS, CUSTOMER_ACTS
from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Message
from orchestration.classification.cues import simplified
from orchestration.classification.embedded.cue_flags import AGENT_FLAGS, CUSTOMER_FLAGS
from orchestration.classification.embedded.grounding import told_share
from orchestration.classification.embedded.tool_results import tool_outcome
from orchestration.classification.rules import NEUTRAL_TOOL

Numbers = npt.NDArray[np.float64]
_READING_TOOL = re.compile(
    r"^(find|get|search|list|look|check|fetch|query|read|show|trace)|_(search|lookup|status|details)$"
)
_A, _C = {act: at for at, act in enumerate(AGENT_ACTS)}, {act: at for at, act in enumerate(CUSTOMER_ACTS)}
_CLAIM, _OFFER, _ANSWER, _COURTESY, _FAILURE = (_A[a] for a in ("claim", "offer", "answer", "courtesy", "failure"))
_PROMISE = _A["promise"]
_ASKS, _OFFERS, _FAILS = (len(AGENT_ACTS) + AGENT_FLAGS.index(flag) for flag in ("asks", "offers", "fails"))
_REPLIES = np.array([_C[act] for act in ("agreement", "done", "information", "refusal")])
_PROMPTS = np.array([_A[act] for act in ("offer", "steps", "ask", "answer", "claim")])
AGENT_WIDTH = len(AGENT_ACTS) + len(AGENT_FLAGS)
CUSTOMER_WIDTH = len(CUSTOMER_ACTS) + len(CUSTOMER_FLAGS)
CONCERN_WIDTH = 3
_TOOL_FLAGS = 5
# What an agent does after a tool ran means something else than without: an answer is then one from the books.
_AFTER_TOOL = np.array(
    [
        *(_A[act] for act in ("ask", "offer", "answer", "claim", "failure", "courtesy")),
        *(len(AGENT_ACTS) + AGENT_FLAGS.index(flag) for flag in ("fails", "asks", "offers", "claims")),
    ]
)


@dataclass
class _State:
    """The messages and acts before the message at hand."""

    last_agent: Numbers = field(default_factory=lambda: np.zeros(AGENT_WIDTH))
    prompt: Numbers = field(default_factory=lambda: np.zeros(AGENT_WIDTH))
    last_customer: Numbers = field(default_factory=lambda: np.zeros(len(CUSTOMER_ACTS)))
    seen: Numbers = field(default_factory=lambda: np.zeros(len(AGENT_ACTS)))
    recent: Numbers = field(default_factory=lambda: np.zeros(len(AGENT_ACTS)))
    since_claim: Numbers = field(default_factory=lambda: np.zeros(len(AGENT_ACTS)))
    concern: Numbers = field(default_factory=lambda: np.zeros(CONCERN_WIDTH))
    tools: Numbers = field(default_factory=lambda: np.zeros(_TOOL_FLAGS))
    results: list[str] = field(default_factory=list)
    has_acted: float = 0.0
    has_failed: float = 0.0
    agents: int = 0
    customers: int = 0
    customers_since_agent: int = 0
    customers_since_claim: int = 0
    has_claimed: float = 0.0
    is_reply: bool = False


def dense_rows(messages: Sequence[Message], said: Sequence[Numbers]) -> list[Numbers]:
    """Return the numbers of each message; `said` holds its acts (probabilities) and flags, empty for a tool.

    Rows of agent messages and tools end with the three numbers of `concern`.
    """
    state = _State()
    rows = []
    for message, vector in zip(messages, said, strict=True):
        if message.role == "customer":
            rows.append(_customer_row(state, vector))
            _after_customer(state, vector)
        elif message.role == "agent":
            acts = _from_the_books(vector, _told(message, state.results))
            rows.append(_agent_row(state, acts, np.zeros(_TOOL_FLAGS)))
            _after_agent(state, acts)
        else:
            tool = _tool_flags(message)
            state.has_failed = tool[2]
            state.has_acted = max(state.has_acted, tool[1] * (1 - tool[2]))
            rows.append(_agent_row(state, np.zeros(AGENT_WIDTH), tool))
            state.tools = np.maximum(state.tools, tool)
            if not tool[2]:
                state.results.append(message.content)
    return rows


def _told(message: Message, results: Sequence[str]) -> float:
    return told_share(simplified(unwrap(message.content)), results) if results else 0.0


def _from_the_books(vector: Numbers, told: float) -> Numbers:
    """Count a message that reports a tool's result and asks nothing as an answer, and as an offer only if it offers.

    Words alone do not show it: the text of a result may sound like anything.
    """
    if not told or vector[_ASKS]:
        return vector
    acts = vector.copy()
    acts[_ANSWER] = max(acts[_ANSWER], told * (1 - max(acts[_CLAIM], acts[_FAILURE], acts[_FAILS])))
    acts[_OFFER] *= 1 - told * (1 - acts[_OFFERS])
    return acts


def _tool_flags(message: Message) -> Numbers:
    name = (message.tool_name or "").lower()
    says_failed, is_empty = tool_outcome(message.content)
    has_failed = message.is_error or says_failed
    if NEUTRAL_TOOL.search(name):
        return np.array((0.0, 0.0, has_failed, 1.0, is_empty), dtype=np.float64)
    is_reading = not message.is_write and _READING_TOOL.search(name) is not None
    return np.array((is_reading, not is_reading, has_failed, 0.0, is_empty), dtype=np.float64)


def _agent_row(state: _State, vector: Numbers, tool: Numbers) -> Numbers:
    acts, last = vector, state.last_agent
    counts = np.array(
        (
            tool.any(),
            state.agents == 0,
            state.customers == 0,
            state.customers == 1,
            state.customers >= 3,
            state.customers_since_agent == 0,
            state.customers_since_agent >= 2,
            state.has_claimed,
            state.has_claimed * (state.customers_since_claim == 0),
            state.has_claimed * (state.customers_since_claim == 1),
            state.has_acted,
            state.has_failed,
            acts[_CLAIM] * state.has_failed,
            acts[_CLAIM] * acts[_FAILURE],
            acts[_COURTESY] * last[_CLAIM],
            acts[_COURTESY] * last[_ANSWER],
            acts[_COURTESY] * last[_OFFER],
            acts[_COURTESY] * state.recent[_CLAIM],
            acts[_ANSWER] * state.seen[_OFFER],
            acts[_ANSWER] * state.has_claimed,
            acts[_OFFER] * acts[_ANSWER],
            acts[_CLAIM] * acts[_PROMISE],
        ),
        dtype=np.float64,
    )
    is_after_tool = float(state.tools[:2].any())
    done = acts[_AFTER_TOOL]
    history = (vector, last, state.seen, state.recent, state.since_claim)
    products = (done * is_after_tool, done * state.tools[2])
    return np.concatenate((*history, tool, state.tools, counts, *products, state.concern))


def _customer_row(state: _State, vector: Numbers) -> Numbers:
    products = (vector[_REPLIES][:, None] * state.prompt[_PROMPTS]).ravel()
    counts = (
        state.agents == 0,
        vector[_C["agreement"]] * state.seen[_OFFER],
        vector[_C["done"]] * state.seen[_A["steps"]],
        state.has_claimed,
    )
    return np.concatenate((vector, state.prompt, state.last_customer, state.seen, products, counts))


def _after_agent(state: _State, vector: Numbers) -> None:
    acts = vector[: len(AGENT_ACTS)]
    state.prompt = np.maximum(state.prompt, vector) if state.is_reply else vector
    state.is_reply = True
    state.last_agent = vector
    if acts[_CLAIM] > 0.5:
        state.since_claim = np.zeros(len(AGENT_ACTS))
        state.customers_since_claim = 0
    elif state.has_claimed:
        state.since_claim = np.maximum(state.since_claim, acts)
    state.has_claimed = max(state.has_claimed, acts[_CLAIM])
    state.seen = np.maximum(state.seen, acts)
    state.recent = 0.5 * state.recent + acts
    state.tools = np.zeros(_TOOL_FLAGS)
    state.results = []
    state.agents += 1
    state.customers_since_agent = 0


def _after_customer(state: _State, vector: Numbers) -> None:
    acts = vector[: len(CUSTOMER_ACTS)]
    state.last_customer = acts
    is_long = vector[-1]
    state.concern = np.maximum(state.concern, (max(acts[_C["concern"]], acts[_C["more"]]), is_long, 1 - vector[-2]))
    state.is_reply = False
    state.customers += 1
    state.customers_since_agent += 1
    state.customers_since_claim += 1
