"""The only reader of environment variables. Every one is listed in the README."""

import os
import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Configuration of one warehouse; each field is the variable COLLOQUY_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="COLLOQUY_", env_ignore_empty=True, extra="forbid")

    home: Path = Field(default=Path("warehouse"), description="folder of the warehouse")
    landing: Path = Field(default=Path("landing"), description="folder that others write event files into")
    seeds: Path | None = Field(default=None, description="folder whose files take the place of the shipped seeds")
    timezone: str = Field(default="UTC", description="IANA name; days and hours of the marts are those of this zone")
    idle_minutes: int = Field(default=30, ge=1, description="silence after which a conversation counts as closed")
    settle_minutes: int = Field(default=60, ge=0, description="how long an unfinished file stays pending")
    hash_key: SecretStr | None = Field(default=None, description="key for hashing addresses; made once when absent")
    published_versions: int = Field(default=3, ge=1, description="how many published versions stay")

    publish_raw_text: bool = Field(default=False, description="publish texts as they were said, without redaction")
    retention_days_text: int | None = Field(
        default=None, ge=1, description="age at which texts and free properties expire; never by default"
    )
    retention_days_rejected: int | None = Field(
        default=None, ge=1, description="age at which the lines of refused events expire; never by default"
    )

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
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no IANA time zone (example: Europe/Berlin)")
        return ZoneInfo(value).key

    @property
    def settle(self) -> timedelta:
        """How long an unfinished file must stay unchanged before it is loaded as far as it reads."""
        return timedelta(minutes=self.settle_minutes)

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
