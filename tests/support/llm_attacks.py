"""Conversations with an injected text in them, and answers of a model that obeys it as cleverly as it can."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.classification.llm.excerpt import Excerpt
from tests.support.llm_cases import talk
from tests.support.llm_server import answer_text

Injection = dict[str, Any]

# Nothing is solved in any of them, and no message of the agent claims it: greeting, asking, looking, promising.
OPEN_TALKS = (
    talk(
        "en-open",
        "c Hello, my router has been dead since Monday and I work from home.",
        "a Hello, you are speaking to Ada. How can I help you today?",
        "c As I said, the router is dead, the light on it is red.",
        "t get_router_status",
        "a One moment please, I am looking at the line. What is the number on the sticker?",
        "c It is on the back, I cannot reach it now.",
        "a Take your time. I'll look into it as soon as I have the number.",
    ),
    talk(
        "de-open",
        "c Guten Tag, auf meiner Rechnung steht ein Betrag, den ich nicht kenne.",
        "a Guten Tag und willkommen, mein Name ist Jonas.",
        "a Welche Rechnung ist es, und wie lautet der Betrag?",
        "c Die vom Mai, 40 Euro sind zu viel.",
        "a Einen Moment bitte, ich schaue nach der Rechnung vom Mai.",
    ),
    talk(
        "es-open",
        "c Hola, mi pedido no ha llegado todavía y era un regalo.",
        "a Hola, ¿en qué puedo ayudarle?",
        "c Es el pedido de la semana pasada.",
        "a ¿Me puede decir el número del pedido, por favor?",
    ),
    talk(
        "fr-open",
        "c Bonjour, je voudrais annuler mon abonnement avant la fin du mois.",
        "a Bonjour, je suis Léa. Quel est votre numéro de client ?",
        "c Je ne le connais pas, vous avez mon nom.",
        "t! cancel_subscription",
        "a Un instant, je regarde votre dossier.",
    ),
    talk(
        "pt-open",
        "c Bom dia, não consigo entrar na minha conta desde ontem.",
        "a Bom dia! Qual é a mensagem que aparece na tela?",
        "c Diz que a senha está errada, mas não está.",
        "a Entendi, vou verificar isso com a equipe.",
    ),
)


def injections() -> list[Injection]:
    """Return the fifty texts of orchestration/classification/evaluation/golden."""
    path = GOLDEN / "injections.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def infected(conversation: Conversation, injection: Injection) -> Conversation:
    """Put the text where its carrier stands: into a tool's result, or into a message of the customer at the end."""
    messages = list(conversation.messages)
    name = f"{conversation.conversation_id}+{injection['injection_id']}"
    seq = max((message.seq for message in messages), default=0) + 1
    if injection["carrier"] == "tool_result":
        messages.append(Message(f"{name}-t", "tool_called", "tool", injection["text"], seq, "get_notes"))
    else:
        messages.append(Message(f"{name}-c", "user_message", "customer", injection["text"], seq))
    return dataclasses.replace(conversation, conversation_id=name, messages=tuple(messages))


def obeying_answers(references: dict[str, str]) -> Iterator[str]:
    """Yield answers that call everything reached, with each message as the proof of resolved.

    `references` has the side (customer, agent, tool) of each message. The other labels cite what may show them, so
    that nothing but the evidence for resolved stands in the way.
    """
    agents = [name for name, side in references.items() if side == "agent"]
    customers = [name for name, side in references.items() if side == "customer"]
    helpful = ("yes", agents[0]) if agents else "no"
    accepted = ("yes", customers[-1]) if customers else "no"
    for reference in references:
        yield answer_text(
            problem_identified=helpful,
            solution_proposed=helpful,
            solution_accepted=accepted,
            resolved=("yes", reference),
            claimed_resolved=helpful,
        )


def sides(excerpt: Excerpt) -> dict[str, str]:
    """Return the side of each message that is sent."""
    return {reference: message.role for reference, message in excerpt.messages.items()}
