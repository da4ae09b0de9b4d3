"""One settings object, read once from the environment (prefix CAREPATH_)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from carepath.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
BROKERS: Final = ("redis", "rediss", "amqp", "amqps")  # as Celery spells them; tried with redis
ENCRYPTED: Final = ("rediss", "amqps")


def is_near(host: str) -> bool:
    """Return whether a host is this machine, or in a network of containers: a name without dots."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host


def _address_and_port(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        found = str(ip_address(host)), int(port)
    except ValueError:
        return None
    return found if 0 < found[1] < 65_536 else None


class Settings(BaseSettings):
    """Where things are and how hard a night may work.

    Every field can be set in the environment with the prefix CAREPATH_, for example
    CAREPATH_HOME or CAREPATH_WAREHOUSE_URL.
    """

    model_config = SettingsConfigDict(env_prefix="CAREPATH_", extra="ignore")

    home: Path = Field(
        default=PROJECT_ROOT / ".carepath",
        description="Data directory: the embedded PostgreSQL, Airflow's home, logs, passwords",
    )
    warehouse_url: str | None = Field(
        default=None,
        description="An existing PostgreSQL (16 or later) instead of the embedded one, as "
        "postgresql://administrator:password@host:port; its administrator can create roles",
    )
    passwords_file: Path | None = Field(
        default=None,
        description="Where the warehouse's passwords are, if not in `passwords.json` in the home: "
        "for a worker on another machine, a read-only secret",
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="The Redis that hands the steps of a night to workers (docs/region.md), as "
        "rediss://:password@host:6380/0, or redis:// on this machine; none runs all steps where "
        "the scheduler is",
    )
    sets: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Into how many sets a night divides its authorities; the gates and the "
        "publication have one task for each set. By default one, and four with "
        "`CAREPATH_BROKER_URL`",
    )
    loads: int = Field(
        default=2,
        ge=1,
        le=100,
        description="How many sources a night of the service reads at the same time",
    )
    wal_level: Literal["minimal", "replica"] = Field(
        default="minimal",
        description="`replica` lets a second PostgreSQL follow the embedded one; `minimal` writes "
        "less. It takes effect when the embedded server starts",
    )
    parallel_tables: int = Field(
        default=2, ge=1, le=32, description="Tables read from one source at the same time"
    )
    truncation_share: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="A table that loses more than this share of its rows overnight stops the night",
    )
    truncation_floor: int = Field(
        default=20, ge=0, description="A loss of this many rows or fewer never counts as truncation"
    )

    alert_urls: SecretStr | None = Field(
        default=None,
        description="Apprise addresses that get the alert of a night that was held or failed, "
        "separated by spaces; `alert_urls` in the home can hold more, one on each line",
    )
    tls_listen: str | None = Field(
        default=None,
        description="Address and port at which readers on other machines reach the embedded "
        "PostgreSQL, encrypted (docs/tls.md), such as 0.0.0.0:5432; by default none can",
    )
    tls_names: str | None = Field(
        default=None,
        description="Names or addresses by which readers reach this machine, separated by spaces, "
        "for the certificate that Carepath makes; by default the machine's full name",
    )
    tls_certificate: Path | None = Field(
        default=None,
        description="The council's own certificate for `CAREPATH_TLS_LISTEN`, in PEM format, "
        "followed by those of its issuers; by default Carepath makes one",
    )
    tls_key: Path | None = Field(
        default=None,
        description="The key of that certificate, in PEM format without a password; only the "
        "account of the service may read it",
    )
    airflow_port: int = Field(default=8080, description="Port of Airflow's pages on 127.0.0.1")
    airflow_url: str | None = Field(
        default=None,
        description="Address at which people open Airflow's pages, if they are behind a web "
        "server with TLS; by default http://127.0.0.1 and the port",
    )

    @field_validator("broker_url")
    @classmethod
    def _is_ours_alone(cls, url: SecretStr | None) -> SecretStr | None:
        """Refuse a broker that somebody on its network could use, or could read a password from.

        Whoever can write to it can run programs on the workers.
        """
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in BROKERS or not parts.password:
                raise ValueError(f"it must be {' or '.join(BROKERS)}, with a password")
            if parts.scheme not in ENCRYPTED and not is_near(parts.hostname or ""):
                raise ValueError(f"on another machine it must be {' or '.join(ENCRYPTED)}")
        return url

    @field_validator("tls_listen")
    @classmethod
    def _is_address_and_port(cls, listen: str | None) -> str | None:
        if listen is not None and _address_and_port(listen) is None:
            raise ValueError("it must be an IP address and a port, such as 0.0.0.0:5432")
        return listen

    @property
    def tls_address(self) -> tuple[str, int] | None:
        """Where the encrypted door listens; None if it is off."""
        return None if self.tls_listen is None else _address_and_port(self.tls_listen)

    @property
    def project_root(self) -> Path:
        """The checkout: dags/, dbt_project/, expectations/ are below it."""
        return PROJECT_ROOT

    @property
    def logs(self) -> Path:
        """Where logs of tools go (Airflow, dbt, PostgreSQL)."""
        return self.home / "logs"

    @property
    def pages_url(self) -> str:
        """Where people open Airflow's pages, without a slash at the end."""
        return (self.airflow_url or f"http://127.0.0.1:{self.airflow_port}").rstrip("/")

    @property
    def alert_urls_file(self) -> Path:
        """Addresses of alerts; they hold passwords, so only their owner may read the file."""
        return self.home / "alert_urls"

    @property
    def sources_file(self) -> Path:
        """The list of recording systems that a night loads, also in its old place."""
        own, before = self.home / "site" / "sources.yml", self.home / "sources.yml"
        return before if before.is_file() and not own.is_file() else own


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        SettingsError: an environment variable has a value that cannot be used; it is named.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise SettingsError(
            f"The value of an environment variable cannot be used: {first['msg']}.",
            where=f"CAREPATH_{first['loc'][0]}".upper(),
            todo="correct the variable; docs/settings.md lists what each one can be.",
        ) from None
    settings.home = settings.home.expanduser().resolve()
    return settings
