"""The ways an alert reaches people: the log always, a webhook and e-mail where they are configured."""

import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from orchestration.alerting.deadline import within
from orchestration.settings import Settings

# Of the whole exchange, and of each read in it.
DEADLINE_SECONDS = 10.0


class DeliveryError(RuntimeError):
    """An alert that did not arrive; the message gives the reason and never holds an address, which may be a secret."""


@dataclass(frozen=True)
class Message:
    """One alert on its way: the same key at every try, a subject, a text, and JSON for programs."""

    key: str
    subject: str
    text: str
    payload: str


class Channel(Protocol):
    """A way to reach people."""

    def send(self, message: Message) -> None:
        """Return once the other side has taken it; raises DeliveryError when it has not."""


@dataclass(frozen=True)
class LogChannel:
    """Writes the alert to the log of the run."""

    say: Callable[[str], None]

    def send(self, message: Message) -> None:
        """Write it to the log; this cannot fail."""
        self.say(f"alert: {message.text}")


@dataclass(frozen=True)
class WebhookChannel:
    """Posts JSON; any 2xx is an acknowledgement."""

    url: str
    deadline_seconds: float = DEADLINE_SECONDS

    def send(self, message: Message) -> None:
        """Post it with its key as Idempotency-Key."""
        import httpx  # noqa: PLC0415 - most runs send no alert over the web

        try:
            within(self.deadline_seconds, lambda: self._post(message))
        except TimeoutError as error:
            raise DeliveryError(f"the webhook has not answered: {error}") from None
        except httpx.HTTPError as error:
            # The message of the error may hold the address.
            raise DeliveryError(f"the webhook could not be reached: {type(error).__name__}") from None

    def _post(self, message: Message) -> None:
        import httpx  # noqa: PLC0415

        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        body = message.payload.encode()
        # The status is the acknowledgement: of the body, which may be of any size, nothing is read.
        with httpx.stream("POST", self.url, content=body, headers=headers, timeout=self.deadline_seconds) as answer:
            if not answer.is_success:
                raise DeliveryError(f"the webhook answered {answer.status_code}")


@dataclass(frozen=True)
class EmailChannel:
    """Sends mail through one SMTP server."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None
    sender: str
    recipients: tuple[str, ...]
    deadline_seconds: float = DEADLINE_SECONDS

    def send(self, message: Message) -> None:
        """Send it to all recipients with its key as Message-ID."""
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.subject, self.sender, ", ".join(self.recipients)
        mail["Message-ID"] = f"<{message.key}@colloquy.alerts>"
        mail.set_content(message.text + "\n")
        refused: dict[str, tuple[int, bytes]] = {}

        def hand_over() -> None:
            with self._connection() as server:
                if self.user is not None:
                    server.login(self.user, self.password or "")
                refused.update(server.send_message(mail))

        try:
            within(self.deadline_seconds, hand_over)
        except (smtplib.SMTPException, OSError) as error:
            code = getattr(error, "smtp_code", None)
            raise DeliveryError(
                f"the mail server did not take it: {type(error).__name__}{f' {code}' if code else ''}"
            ) from None
        if refused:
            # The others have received it: a second try would send it to them twice.
            raise PartlyDeliveredError(f"the mail server refused {len(refused)} of {len(self.recipients)} recipients")

    def _connection(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.deadline_seconds, context=ssl.create_default_context()
            )
        server = smtplib.SMTP(self.host, self.port, timeout=self.deadline_seconds)
        if self.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        return server


class PartlyDeliveredError(DeliveryError):
    """Some of the recipients have it."""


def channels_of(settings: Settings, say: Callable[[str], None]) -> Mapping[str, Channel]:
    """Return the channels the settings name, by name; the log is always one of them."""
    channels: dict[str, Channel] = {"log": LogChannel(say)}
    if settings.alert_webhook_url is not None:
        channels["webhook"] = WebhookChannel(settings.alert_webhook_url.get_secret_value())
    if settings.alert_email_to is not None and settings.smtp_host is not None:
        channels["email"] = EmailChannel(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            user=settings.smtp_user,
            password=None if settings.smtp_password is None else settings.smtp_password.get_secret_value(),
            sender=settings.alert_email_from or settings.alert_email_to.split(",")[0].strip(),
            recipients=tuple(one.strip() for one in settings.alert_email_to.split(",")),
        )
    return channels
