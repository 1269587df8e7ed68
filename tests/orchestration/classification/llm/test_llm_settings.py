"""The settings of the LLM step: off unless named, whole or refused, and the key in nothing that is shown."""

import pytest
from pydantic import ValidationError

from orchestration.__main__ import main
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.settings import Settings
from tests.support.llm_cases import KEY

ADDRESS = "https://llm.example/v1"


def test_no_llm_is_asked_unless_named() -> None:
    assert LlmConfiguration.of(Settings()) is None


def test_the_settings_reach_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BASE_URL": ADDRESS + "/", "MODEL": "some", "API_KEY": KEY, "CONCURRENCY": "2"}.items():
        monkeypatch.setenv(f"COLLOQUY_LLM_{name}", value)
    configuration = LlmConfiguration.of(Settings())
    assert configuration is not None
    assert (configuration.base_url, configuration.model, configuration.concurrency) == (ADDRESS, "some", 2)
    assert configuration.api_key is not None
    assert configuration.api_key.get_secret_value() == KEY
    assert KEY not in repr(configuration) + str(configuration) + repr(Settings())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"BASE_URL": ADDRESS}, "set together or not at all"),
        ({"MODEL": "some"}, "set together or not at all"),
        ({"BASE_URL": "llm.example", "MODEL": "some"}, "not the address of an endpoint"),
        ({"BASE_URL": "https://me:pw@llm.example/v1", "MODEL": "some"}, "a key belongs in COLLOQUY_LLM_API_KEY"),
        ({"BUDGET_USD_PER_RUN": "-1"}, "greater than or equal to 0"),
        ({"BUDGET_USD_PER_DAY": "inf"}, "finite number"),
        ({"CONCURRENCY": "0"}, "greater than or equal to 1"),
        ({"API_KEY": f"{KEY}\n"}, "a line break"),
    ],
)
def test_what_cannot_be_used_is_refused_before_a_run(
    values: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"COLLOQUY_LLM_{name}", value)
    with pytest.raises(ValidationError, match=message) as refusal:
        Settings()
    assert main(["status"]) == 2
    printed = capsys.readouterr().out
    assert message in printed
    assert printed.startswith("COLLOQUY_LLM_")
    assert KEY not in printed + str(refusal.value) + repr(refusal.value)
