"""Agent texts in JSON envelopes are read as the customer read them."""

import pytest

from orchestration.classification.agent_text import unwrap


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Plain words.", "Plain words."),
        ('{"message": "Your line is fixed."}', "Your line is fixed."),
        ('{"resolved": true, "stage": "resolved", "message": "Hello."}', "Hello."),
        ('{"thought": "it is booked", "message": "Which day?"}', "Which day?"),
        ('{"response": {"text": "Four days."}}', "Four days."),
        ('[{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]', "One.\nTwo."),
        ('{"thought": "it is booked", "nachricht": "Wagen 21."}', "Wagen 21."),
        ('{"message": broken', '{"message": broken'),
        ('{"done": true}', ""),
        ("[sic] he wrote", "[sic] he wrote"),
        ("[" * 1_900 + '"x"' + "]" * 1_900, "[" * 1_900 + '"x"' + "]" * 1_900),
    ],
)
def test_unwrap(text: str, spoken: str) -> None:
    assert unwrap(text) == spoken
