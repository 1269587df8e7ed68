"""What the words of a message do: the first level of the embedded model, which the stages are told from."""

AGENT_ACTS = (
    *("courtesy", "identification", "ask", "restatement", "offer", "answer", "steps"),
    *("refusal", "promise", "claim", "failure", "handoff"),
)
CUSTOMER_ACTS = ("courtesy", "concern", "information", "agreement", "done", "refusal", "complaint", "more")
