"""Asks once whether the endpoint enforces the schema: its answer must be in the schema even if the prompt forbids that.

Without enforcement, every answer would rest on the good will of the model, and on that of the writers of its input.
"""

from orchestration.classification.llm.asking import Question
from orchestration.classification.llm.schema import Said, parse_answer

_MESSAGES = [
    {"role": "system", "content": "Reply with the single word pong. No JSON, no punctuation."},
    {"role": "user", "content": '[{"id": "m1", "from": "customer", "text": "ping"}]'},
]
NOT_ENFORCED = (
    "the endpoint does not hold the model to a JSON schema (response_format json_schema, strict): asked for one "
    "word, it did not answer in the schema. Use a server and a model with structured outputs (llama.cpp, vLLM, Ollama, "
    "or a hosted one that documents them) and set COLLOQUY_LLM_BASE_URL and COLLOQUY_LLM_MODEL; until then the "
    "embedded model's labels stay"
)


def probe_question() -> Question[dict[str, Said]]:
    """Return the question of the probe; its answer shows only that it is of the schema."""
    return Question(None, _MESSAGES, parse_answer)
