"""What the words of a message do: the first level of the embedded model, from which the stages are derived."""

AGENT_ACTS = (
    *("courtesy", "identification", "ask", "restatement", "offer", "answer", "steps"),
    *("refusal", "promise", "claim", "failure", "handoff"),
)
CUSTOMER_ACTS = ("courtesy", "concern", "information", "agreement", "done", "refusal", "complaint", "more")
