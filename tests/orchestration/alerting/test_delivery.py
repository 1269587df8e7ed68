"""Alerts reach real servers on this machine at least once, whatever breaks off, and twice only where they must."""

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from orchestration.alerting import DeliveryReport, channels_of, deliver, queue_alerts
from orchestration.alerting.channels import Channel, Message
from orchestration.privacy.fresh_copy import open_copy, replace_raw, write_tables
from orchestration.settings import Settings
from tests.support.webhook import TOKEN, Hook

NOON = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - the outbox holds UTC without a zone


class Mailbox:
    """What the mail server took; `refused` recipients are sent away."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.close()


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    handler = Mailbox()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


class Warehouse:
    """The two tables that delivery reads, and the outbox."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.build = folder / "raw.duckdb", folder / "build.duckdb"
        with duckdb.connect(str(self.raw)) as connection:
            connection.execute("create table of_raw (one int)")
        with duckdb.connect(str(self.build)) as connection:
            connection.execute("create schema marts; create schema intermediate")
            connection.execute(
                "create table intermediate.int_alert_windows_judged (rule varchar, window_end_at timestamp)"
            )
            connection.execute(
                "create table marts.alerts (alert_key varchar, rule varchar, metric_name varchar, segment varchar, "
                "severity varchar, condition varchar, threshold double, window_hours bigint, opened_at timestamp, "
                "closed_at timestamp, is_open boolean, is_suppressed boolean, value double, value_before double, "
                "sample_size bigint, unit varchar, cause_segment varchar, cause_value double, "
                "cause_value_before double, cause_share double)"
            )

    def judge(self, hour: int) -> None:
        """Note that the rule has been judged up to this hour of the day."""
        self._execute(
            "insert into intermediate.int_alert_windows_judged values ('slow', ?)", [NOON + timedelta(hours=hour - 12)]
        )

    def open(self, hour: int, *, is_open: bool = True, is_suppressed: bool = False) -> None:
        """Open an alert at this hour of the day."""
        self._execute(
            "insert into marts.alerts values (?, 'slow', 'fallback_rate', 'all', 'high', 'exceeds', 0.2, 4, ?, null, "
            "?, ?, 0.315, 0.18, 1200, 'rate', 'channel=web', 0.4, 0.2, 0.75)",
            [f"slow:{hour}", NOON + timedelta(hours=hour - 12), is_open, is_suppressed],
        )

    def _execute(self, statement: str, values: list[Any]) -> None:
        with duckdb.connect(str(self.build)) as connection:
            connection.execute(statement, values)

    def run(self, channels: dict[str, Channel], waited: list[float] | None = None) -> DeliveryReport:
        """Queue and deliver, as the step of a run does."""
        queued = queue_alerts(self.raw, self.build, channels, NOON)
        report = deliver(self.raw, channels, lambda: NOON, (waited if waited is not None else []).append)
        report.queued = queued
        return report

    def outbox(self) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.raw), read_only=True) as connection:
            return connection.execute(
                "select alert_key, channel, attempts, delivered_at is not null, last_error "
                "from outbox.alert_deliveries order by queued_at, alert_key, channel"
            ).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def channels(said: list[str] | None = None, **changes: Any) -> dict[str, Channel]:
    return dict(channels_of(Settings(**changes), ([] if said is None else said).append))


def hooked(hook: Hook) -> dict[str, Channel]:
    one = channels(alert_webhook_url=SecretStr(hook.url))
    return {"webhook": one["webhook"]}


def test_the_first_run_tells_what_is_open_and_later_ones_what_is_new(warehouse: Warehouse) -> None:
    said: list[str] = []
    warehouse.open(1, is_open=False)
    warehouse.open(3)
    warehouse.judge(3)
    assert warehouse.run(channels(said)).queued == 1
    assert warehouse.run(channels(said)).queued == 0
    # Late events have opened another one in the past: that is history.
    warehouse.open(2)
    warehouse.open(4, is_open=False)
    warehouse.open(5, is_suppressed=True)
    warehouse.judge(5)
    assert warehouse.run(channels(said)).queued == 1
    assert warehouse.run(channels(said)).queued == 0
    assert [row[0] for row in warehouse.outbox()] == ["slow:3", "slow:4"]
    assert len(said) == 2
    assert said[0] == (
        "alert: [high] fallback_rate (all) is above 20.0 %: 31.5 %\n"
        "Over the 4 hours until 2026-03-01 03:00 UTC, of 1,200 conversations. In the same time before: 18.0 %.\n"
        "Moved most: channel=web, from 20.0 % to 40.0 %, 75 % of all.\n"
        "Rule slow; marts.alerts where alert_key = 'slow:3'"
    )


def test_an_erasure_that_writes_raw_anew_loses_no_alert_and_repeats_none(warehouse: Warehouse, hook: Hook) -> None:
    warehouse.open(3)
    warehouse.judge(3)
    assert warehouse.run(hooked(hook)).delivered == 1
    with open_copy(warehouse.raw) as connection:
        write_tables(connection, {})
    replace_raw(warehouse.raw)
    warehouse.open(4)
    warehouse.judge(4)
    assert warehouse.run(hooked(hook)).delivered == 1
    assert warehouse.run(hooked(hook)).queued == 0
    assert [row[0] for row in warehouse.outbox()] == ["slow:3", "slow:4"]


def test_a_webhook_gets_text_and_numbers_once(warehouse: Warehouse, hook: Hook) -> None:
    warehouse.open(3)
    warehouse.judge(3)
    assert warehouse.run(hooked(hook)).delivered == 1
    assert warehouse.run(hooked(hook)).delivered == 0
    ((key, body),) = hook.posted
    assert key
    assert body["text"].startswith("[high] fallback_rate")
    assert body["alert"]["value"] == 0.315
    assert body["alert"]["opened_at"] == "2026-03-01T03:00:00Z"


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([500, 503, 429], "the webhook answered 429"),
        ([0, 0, 0], "the webhook could not be reached: RemoteProtocolError"),
    ],
)
def test_what_was_not_taken_goes_out_with_the_next_run_under_the_same_key(
    warehouse: Warehouse, hook: Hook, answers: list[int], problem: str
) -> None:
    warehouse.open(3)
    warehouse.open(4)
    warehouse.judge(4)
    hook.answers = answers
    waited: list[float] = []
    report = warehouse.run(hooked(hook), waited)
    assert (report.delivered, report.waiting, report.problems) == (0, 2, [f"webhook: {problem}"])
    assert waited == [1.0, 4.0]
    # The second waits for the next run too: the channel is down.
    assert warehouse.outbox() == [("slow:3", "webhook", 1, False, problem), ("slow:4", "webhook", 0, False, None)]
    assert TOKEN not in str(warehouse.outbox())
    assert warehouse.run(hooked(hook)).delivered == 2
    keys = [key for key, _ in hook.posted]
    assert keys[:4] == [keys[0]] * 4
    assert len(set(keys)) == 2
    assert [row[2:4] for row in warehouse.outbox()] == [(2, True), (1, True)]


def test_a_second_try_of_the_same_run_may_do(warehouse: Warehouse, hook: Hook) -> None:
    warehouse.open(3)
    warehouse.judge(3)
    hook.answers = [502]
    report = warehouse.run(hooked(hook))
    assert (report.delivered, report.waiting, report.problems) == (1, 0, [])


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """A channel whose process dies right after, or right before, the other side has it."""

    def __init__(self, channel: Channel, *, is_taken: bool) -> None:
        self.channel, self.is_taken = channel, is_taken

    def send(self, message: Message) -> None:
        """Send it or not, and die."""
        if self.is_taken:
            self.channel.send(message)
        raise Killed


@pytest.mark.parametrize(("is_taken", "posts"), [(False, 1), (True, 2)])
def test_a_death_repeats_an_alert_only_after_it_was_taken(
    warehouse: Warehouse, hook: Hook, is_taken: bool, posts: int
) -> None:
    warehouse.open(3)
    warehouse.judge(3)
    (webhook,) = hooked(hook).values()
    with pytest.raises(Killed):
        warehouse.run({"webhook": Dying(webhook, is_taken=is_taken)})
    assert warehouse.run(hooked(hook)).delivered == 1
    assert len(hook.posted) == posts
    # By its key the other side knows it again.
    assert len({key for key, _ in hook.posted}) == 1


def mailed(port: int, to: str = "ann@shop.example, bob@shop.example") -> dict[str, Channel]:
    one = channels(alert_email_to=to, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none")
    return {"email": one["email"]}


def test_mail_has_the_same_id_at_every_try(warehouse: Warehouse, mailbox: tuple[Mailbox, int]) -> None:
    handler, port = mailbox
    warehouse.open(3)
    warehouse.judge(3)
    (email,) = mailed(port).values()
    with pytest.raises(Killed):
        warehouse.run({"email": Dying(email, is_taken=True)})
    warehouse.run(mailed(port))
    first, second = handler.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert second["Subject"] == "[high] fallback_rate (all) is above 20.0 %: 31.5 %"
    assert second["To"] == "ann@shop.example, bob@shop.example"
    assert second["From"] == "ann@shop.example"
    assert "Moved most: channel=web" in second.get_content()


def test_one_recipient_refused_costs_the_others_no_second_mail(
    warehouse: Warehouse, mailbox: tuple[Mailbox, int]
) -> None:
    handler, port = mailbox
    handler.refused = {"bob@shop.example"}
    warehouse.open(3)
    warehouse.judge(3)
    report = warehouse.run(mailed(port))
    assert report.problems == ["email: the mail server refused 1 of 2 recipients"]
    assert (report.delivered, report.waiting) == (1, 0)
    assert warehouse.run(mailed(port)).delivered == 0
    assert len(handler.mails) == 1


def test_a_mail_server_that_refuses_all_or_is_gone_is_named(warehouse: Warehouse, mailbox: tuple[Mailbox, int]) -> None:
    handler, port = mailbox
    handler.refused = {"ann@shop.example", "bob@shop.example"}
    warehouse.open(3)
    warehouse.judge(3)
    assert warehouse.run(mailed(port)).problems == ["email: the mail server did not take it: SMTPRecipientsRefused"]
    assert warehouse.run(mailed(1)).problems == ["email: the mail server did not take it: ConnectionRefusedError"]
    handler.refused = set()
    assert warehouse.run(mailed(port)).delivered == 1


def test_a_channel_that_fails_holds_no_other_back(warehouse: Warehouse, hook: Hook) -> None:
    said: list[str] = []
    warehouse.open(3)
    warehouse.judge(3)
    hook.answers = [500, 500, 500]
    report = warehouse.run(channels(said, alert_webhook_url=SecretStr(hook.url)))
    assert (report.queued, report.delivered, report.waiting) == (2, 1, 1)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"alert_webhook_url": "ftp://a"}, "not an http or https address"),
        ({"alert_email_to": "ann", "smtp_host": "h"}, "not a list of mail addresses"),
        ({"alert_email_to": "ann@a.example\nBcc: eve@b.example", "smtp_host": "h"}, "not a list of mail addresses"),
        ({"alert_email_to": "ann@a.example"}, "are set together or not at all"),
        ({"smtp_host": "h"}, "are set together or not at all"),
        ({"smtp_security": "some"}, "starttls"),
    ],
)
def test_settings_that_reach_nobody_are_refused(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Settings(**changes)  # type: ignore[arg-type]
