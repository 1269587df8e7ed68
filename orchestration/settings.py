"""The only reader of environment variables. docs/configuration.md is generated from their descriptions."""

import os
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent.parent


@cache
def _timezones() -> frozenset[str]:
    """Return all IANA names; to look them up walks through a folder of files."""
    return frozenset(available_timezones())


class Settings(BaseSettings):
    """Configuration of one warehouse; each field is the variable COLLOQUY_<NAME>."""

    # Errors without the values: one of them may be a key.
    model_config = SettingsConfigDict(
        env_prefix="COLLOQUY_", env_ignore_empty=True, extra="forbid", hide_input_in_errors=True
    )

    home: Path = Field(default=Path("warehouse"), description="folder of the warehouse")
    landing: Path = Field(default=Path("landing"), description="folder others write event files into")
    seeds: Path | None = Field(
        default=None, description="folder whose files take the place of the shipped seeds; none for the shipped ones"
    )
    timezone: str = Field(default="UTC", description="IANA name; days and hours of the marts are those of this zone")
    idle_minutes: int = Field(
        default=30, ge=1, le=525_600, description="silence in minutes after which a conversation counts as closed"
    )
    stable_minutes: int = Field(default=60, ge=0, description="how long an unfinished file waits, in minutes")
    hash_key: SecretStr | None = Field(
        default=None, description="key for hashing addresses; made once in `private/` when none is set"
    )
    published_versions: int = Field(default=3, ge=1, description="how many published versions stay")

    publish_raw_text: bool = Field(default=False, description="publish texts as they were written, without redaction")
    retention_days_text: int | None = Field(
        default=None,
        ge=1,
        description="age in days at which texts, and properties that no number uses, expire; none for never",
    )
    retention_days_rejected: int | None = Field(
        default=None, ge=1, description="age in days at which the lines of refused events expire; none for never"
    )

    llm_base_url: str | None = Field(
        default=None, description="OpenAI-compatible endpoint, the part before `/chat/completions`; none asks no LLM"
    )
    llm_model: str | None = Field(
        default=None,
        validate_default=True,
        description="model to ask there; its price is in `model_prices.csv`",
    )
    llm_api_key: SecretStr | None = Field(
        default=None, description="key of the endpoint; a server of your own may need none"
    )
    llm_share: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="largest share (0..1) of labelled conversations that are sent to an LLM, the least sure first",
    )
    llm_budget_usd_per_run: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="most a run may spend on the LLM; the rest keeps the embedded labels",
    )
    llm_budget_usd_per_day: float = Field(
        default=5.0, ge=0, allow_inf_nan=False, description="most the runs of a day (UTC) may spend on the LLM"
    )
    llm_batch: bool = Field(
        default=False, description="ask through the provider's batch endpoint, whose answers a later run takes in"
    )
    llm_concurrency: int = Field(default=4, ge=1, le=64, description="calls of the LLM under way at once")
    llm_requests_per_minute: int = Field(default=120, ge=1, description="calls of the LLM within any 60 seconds")
    llm_tokens_per_minute: int = Field(default=200_000, ge=1, description="tokens of the LLM within any 60 seconds")

    alert_webhook_url: SecretStr | None = Field(
        default=None, description="address that alerts are posted to as JSON; a secret, because it permits posting"
    )
    alert_email_to: str | None = Field(default=None, description="addresses that alerts are mailed to, between commas")
    alert_email_from: str | None = Field(
        default=None, description="sender of the mails; the first of COLLOQUY_ALERT_EMAIL_TO when none is set"
    )
    smtp_host: str | None = Field(default=None, validate_default=True, description="mail server that sends the alerts")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="port of the mail server")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="how the connection to the mail server is protected: `starttls`, `tls` or `none`",
    )
    smtp_user: str | None = Field(default=None, description="user of the mail server; none for one without")
    smtp_password: SecretStr | None = Field(default=None, description="password of the user of the mail server")

    @field_validator("home", "landing", "seeds")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        # dbt and Python must name a DuckDB file by the same absolute path, or one process opens it twice.
        return None if value is None else value.expanduser().absolute()

    @field_validator("home")
    @classmethod
    def _plain(cls, value: Path) -> Path:
        # dbt puts paths under it into SQL and templates as they are.
        if re.search(r"""['"]|\{[{%#]""", str(value)) or not str(value).isprintable():
            raise ValueError(f"{str(value)!r} holds a quote, {{{{, {{% or a control character; choose a plain path")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in _timezones():
            raise ValueError(f"{value!r} is no IANA time zone (example: Europe/Berlin)")
        return ZoneInfo(value).key

    @field_validator("llm_base_url")
    @classmethod
    def _plain_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not the address of an endpoint (example: https://api.openai.com/v1)")
        # It is shown in messages, and the key is not.
        if parts.username or parts.password:
            raise ValueError("holds a user or password; a key belongs in COLLOQUY_LLM_API_KEY")
        return value.rstrip("/")

    @field_validator("llm_model")
    @classmethod
    def _with_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        # A wrong address has its own message and is missing here.
        if "llm_base_url" in info.data and (value is None) != (info.data["llm_base_url"] is None):
            raise ValueError("COLLOQUY_LLM_BASE_URL and COLLOQUY_LLM_MODEL are set together or not at all")
        return value

    @field_validator("alert_webhook_url")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("not an http or https address")
        return value

    @field_validator("alert_email_to", "alert_email_from")
    @classmethod
    def _mail_addresses(cls, value: str | None) -> str | None:
        for address in () if value is None else value.split(","):
            # What a header or an SMTP command would read as something else.
            if not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+", address.strip()):
                raise ValueError("not a list of mail addresses between commas (example: data@shop.example)")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _with_recipients(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "alert_email_to" in info.data and (value is None) != (info.data["alert_email_to"] is None):
            raise ValueError("COLLOQUY_ALERT_EMAIL_TO and COLLOQUY_SMTP_HOST are set together or not at all")
        return value

    @field_validator("llm_api_key")
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not (value.get_secret_value().isascii() and value.get_secret_value().isprintable()):
            raise ValueError("holds a line break or another character that no key has")
        return value

    @property
    def stable_after(self) -> timedelta:
        """How long an unfinished file must stay unchanged before it is loaded as far as it reads."""
        return timedelta(minutes=self.stable_minutes)

    @property
    def retention_text(self) -> timedelta | None:
        """How long texts are kept, None for ever."""
        return None if self.retention_days_text is None else timedelta(days=self.retention_days_text)

    @property
    def retention_rejected(self) -> timedelta | None:
        """How long refused lines are kept, None for ever."""
        return None if self.retention_days_rejected is None else timedelta(days=self.retention_days_rejected)

    def export(self) -> None:
        """Write these settings into the environment, so that everything this process starts reads the same ones."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None:
                os.environ[f"COLLOQUY_{name.upper()}"] = (
                    value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                )
        # Others may not phone home on our behalf.
        os.environ |= {
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "GX_ANALYTICS_ENABLED": "false",
            "DAGSTER_HOME": str(self.home / "dagster"),
        }
