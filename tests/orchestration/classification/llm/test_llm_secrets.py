"""What must not leave: secrets in conversations do not reach the server, the key reaches nothing else."""

import asyncio
import json
import logging
import traceback

import pytest
from pydantic import SecretStr

from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.client import OpenAiEndpoint
from orchestration.classification.llm.replies import CallFailedError
from tests.support.llm_cases import (
    BOOKING_ANSWER,
    KEY,
    FakeClock,
    after_probe,
    candidates,
    configuration,
    labeller,
    talk,
)
from tests.support.llm_killed import bookings
from tests.support.llm_server import Action, Answer, Body, LlmServer, Status

PLANTED = {
    "email": "planted.person@mail.example",
    "phone": "+49 171 555 01 23",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ip": "203.0.113.77",
    "issued key": "ghp_Pl4nt3d0123456789abcdef",
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEplanted\n-----END PRIVATE KEY-----",
    "password": "Pl4nted&3xyz",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_never_reaches_the_server(kind: str) -> None:
    secret = PLANTED[kind]
    said = f"password: {secret}" if kind == "password" else f"here it is: {secret} thanks"
    wrapped = json.dumps({"message": said})
    padding = "lorem " * 130
    conversation = talk(
        "t", f"c {said}", f"a I noted {said}", f"a {wrapped}", f"c {padding}{said}{padding}", f"t {said}"
    )
    with LlmServer(after_probe(lambda _: Answer(BOOKING_ANSWER))) as server:
        labeller(server, MemoryLog()).label(candidates([conversation]))
        assert len(server.labelling_requests) == 1
        arrived = server.log() + json.loads(server.labelling_requests[0].body)["messages"][1]["content"]
    for part in (secret, secret.splitlines()[-1], secret.splitlines()[len(secret.splitlines()) // 2], secret[:12]):
        assert part not in arrived
    assert "t-e" not in arrived


def test_names_are_not_covered() -> None:
    """The limits of the redactor in docs/privacy.md apply here too."""
    with LlmServer(after_probe(lambda _: Answer(BOOKING_ANSWER))) as server:
        labeller(server, MemoryLog()).label(candidates([talk("t", "c I am Anna Schmidt", "a Hello Anna.")]))
        assert "Anna Schmidt" in server.log()


ECHOES: dict[str, Action] = {
    "status": Status(400, body=json.dumps({"error": {"message": f"bad key {KEY}", "code": "x"}})),
    "denied": Status(401, body=f"Incorrect API key provided: {KEY}"),
    "broken": Body(f"not json, {KEY}"),
    "prose": Answer(f"your key is {KEY}, write to planted.person@mail.example"),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_a_server_that_echoes_the_key_brings_it_nowhere(
    echo: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    log = MemoryLog()
    with caplog.at_level(logging.DEBUG), LlmServer(after_probe(lambda _: ECHOES[echo])) as server:
        step = labeller(server, log)
        summary = step.label(bookings(2))
        assert KEY in server.log()
    captured = capfd.readouterr()
    kept = [repr(one) for one in (step, summary, log.calls, log.answers, log.dead_letters)]
    shown = "\n".join([*kept, captured.out, captured.err, caplog.text])
    assert log.dead_letters
    assert KEY not in shown
    assert "planted.person" not in shown
    assert "[key]" in log.dead_letters[0].raw_response


async def ask_once(endpoint: OpenAiEndpoint) -> str:
    async with endpoint:
        try:
            await endpoint.complete([{"role": "user", "content": "hello"}], 10)
        except CallFailedError as error:
            return "".join(traceback.format_exception(error))
    return ""


@pytest.mark.parametrize("action", [Status(500), Status(401), Body("[]")])
def test_the_key_is_in_no_traceback(action: Action) -> None:
    with LlmServer(lambda _: action) as server:
        endpoint = OpenAiEndpoint(configuration(server), FakeClock())
        shown = asyncio.run(ask_once(endpoint))
    assert "CallFailedError" in shown
    assert KEY not in shown + repr(endpoint)


def test_what_the_sdk_would_take_from_the_environment_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "somebody-elses-secret")
    for key in (None, SecretStr(KEY)):
        with LlmServer(after_probe(lambda _: Answer(BOOKING_ANSWER))) as server:
            labeller(server, MemoryLog(), api_key=key).label(bookings(1))
            assert "somebody-elses-secret" not in server.log()
            assert (KEY in server.log()) == (key is not None)
