"""One idea a model: so many steps and joins, however many columns; no step back from what is published."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR

MOST_CTES = 8
MOST_JOINS = 5
# A model that needs more, and why it cannot be two.
EXCEPTIONS: Mapping[str, str] = {}
# Facts are built conversation by conversation before anything is counted: what counts them reads them.
FACTS = {
    "ab_test_exposures",
    "fct_conversation_stages",
    "fct_conversations",
    "fct_interactions",
}
# Marts besides the facts that a model may read, and why.
READERS_OF_MARTS = {
    ("int_segments_compared", "metrics_daily"): "compares the numbers that readers see, of the last 28 final days",
}

_MODELS = {path.stem: path for path in sorted((PROJECT_DIR / "models").rglob("*.sql"))}
_COMMENT = re.compile(r"--[^\n]*|{#.*?#}", re.DOTALL)
_CTE = re.compile(r"^\s*(?:with\s+)?[a-z_0-9]+ as \($", re.MULTILINE)
_JOIN = re.compile(r"\bjoin\b", re.IGNORECASE)
_REF = re.compile(r"ref\('(\w+)'\)")


def _code(path: Path) -> str:
    return _COMMENT.sub("", path.read_text())


@pytest.mark.parametrize("name", _MODELS)
def test_a_model_has_so_many_steps_and_joins(name: str) -> None:
    code = _code(_MODELS[name])
    ctes, joins = len(_CTE.findall(code)), len(_JOIN.findall(code))
    is_too_much = ctes > MOST_CTES or joins > MOST_JOINS
    assert is_too_much == (name in EXCEPTIONS), (
        f"{name}: {ctes} CTEs of at most {MOST_CTES}, {joins} joins of {MOST_JOINS}"
    )


def test_everything_that_has_a_name_can_be_queried() -> None:
    assert [name for name, path in _MODELS.items() if "ephemeral" in path.read_text()] == []


def test_intermediate_models_read_no_mart_but_the_facts() -> None:
    marts = {name for name, path in _MODELS.items() if "marts" in path.parts}
    found = {
        (name, read)
        for name, path in _MODELS.items()
        if name not in marts
        for read in _REF.findall(_code(path))
        if read in marts - FACTS
    }
    assert found == set(READERS_OF_MARTS)
