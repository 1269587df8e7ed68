"""The texts of the simulated dialogues. Every sentence was written for this project; none is from a data set."""

import json
import random
from functools import cache
from importlib import resources
from typing import cast

TOPICS = ("delivery", "refund", "login", "billing", "subscription", "booking")
# What the agent's systems are called: topic -> (reading tool, writing tool, intent of the opening message).
TOPIC_TOOLS = {
    "delivery": ("get_shipment", "reschedule_delivery", "track_delivery"),
    "refund": ("get_return", "issue_refund", "request_refund"),
    "login": ("get_account_state", "unlock_account", "restore_access"),
    "billing": ("get_invoice", "credit_invoice", "dispute_invoice"),
    "subscription": ("get_plan", "change_plan", "change_subscription"),
    "booking": ("list_free_slots", "book_slot", "book_appointment"),
}

_PRODUCTS = ("Lumo lamp", "Kestrel kettle", "Orbit router", "Pine desk", "Tarn backpack", "Velo pump")
_PLANS = ("Basic", "Team", "Studio", "Enterprise")

Texts = dict[str, list[str]]


@cache
def _language(language: str) -> dict[str, dict[str, object]]:
    text = resources.files(__package__).joinpath(f"dialogue/{language}.json").read_text(encoding="utf-8")
    return cast("dict[str, dict[str, object]]", json.loads(text))


def topic_texts(language: str, topic: str) -> Texts:
    """Texts of one support topic: opening, rephrase, ask, detail, proposal, done."""
    return cast("Texts", _language(language)["topics"][topic])


def general_texts(language: str) -> Texts:
    """Texts that fit any support topic."""
    return cast("Texts", _language(language)["general"])


def sales_texts(language: str) -> Texts:
    """Texts of a sales conversation."""
    return cast("Texts", _language(language)["sales"])


def draw_slots(rng: random.Random) -> dict[str, str]:
    """Values for the slots of one conversation's texts; the same order number runs through all of it."""
    return {
        "order": f"DEMO-{rng.randrange(10_000, 99_999)}",
        "amount": f"{rng.randrange(9, 320)}.{rng.randrange(100):02d} EUR",
        "date": f"{rng.randrange(1, 29)}/{rng.randrange(1, 13):02d}",
        "product": rng.choice(_PRODUCTS),
        "plan": rng.choice(_PLANS),
    }
