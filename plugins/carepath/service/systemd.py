"""systemd units that start Carepath's service when the machine starts."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping
from pathlib import Path

from carepath.service.processes import DOOR, SERVICES
from carepath.settings import PROJECT_ROOT, Settings, get_settings

TARGET = "carepath.target"
WAREHOUSE = "carepath-warehouse.service"
# these hold passwords, so they go into the file of secrets: every account can read a unit
SECRETS = frozenset({"warehouse_url", "alert_urls", "broker_url"})


def units() -> Mapping[str, str]:
    """Return each unit's file name and text, for this checkout, home, account and settings."""
    services = {service: f"Airflow's {service}" for service in SERVICES}
    if get_settings().tls_address is not None:
        services[DOOR] = "the encrypted door for readers"
    parts = [f"carepath-{service}.service" for service in services]
    target = _text(
        ("Unit", {"Description": "Carepath", "Wants": " ".join([WAREHOUSE, *parts])}),
        ("Install", {"WantedBy": "multi-user.target"}),
    )
    warehouse = _text(
        (
            "Unit",
            {
                "Description": "Carepath: its warehouse, made ready",
                "PartOf": TARGET,
                "Wants": "network-online.target",
                "After": "network-online.target postgresql.service",
            },
        ),
        (
            "Service",
            {
                "Type": "oneshot",
                "RemainAfterExit": "yes",
                "ExecStart": f"{sys.executable} -m carepath.service prepare",
                # this stops the embedded PostgreSQL, if there is one
                "ExecStop": f"{Path(sys.executable).with_name('carepath')} down --database",
                "TimeoutStartSec": "5min",
                "TimeoutStopSec": "3min",
                **_confinement(),
            },
        ),
    )
    return {
        TARGET: target,
        WAREHOUSE: warehouse,
        **{f"carepath-{name}.service": _service(name, what) for name, what in services.items()},
    }


def write_units(folder: Path) -> list[Path]:
    """Write the units into a folder, which is made if it is missing. Return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in units().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def secrets_file() -> Path:
    """Return the file with the settings that are secrets, NAME=value on each line."""
    return get_settings().home / "service.env"


def _service(service: str, what: str) -> str:
    return _text(
        (
            "Unit",
            {
                "Description": f"Carepath: {what}",
                "PartOf": TARGET,
                "Requires": WAREHOUSE,
                "After": WAREHOUSE,
            },
        ),
        (
            "Service",
            {
                "ExecStart": f"{sys.executable} -m carepath.service {service}",
                "Restart": "on-failure",
                "RestartSec": "10s",
                "TimeoutStopSec": "60s",
                **_confinement(),
            },
        ),
    )


def _confinement() -> dict[str, str]:
    """Return who a unit runs as, where, and what it may touch."""
    account = {} if os.geteuid() == 0 else {"User": pwd.getpwuid(os.geteuid()).pw_name}
    changed = get_settings().model_dump(include=set(Settings.model_fields) - SECRETS)
    environment = {
        f"CAREPATH_{name.upper()}": value
        for name, value in changed.items()
        if name == "home" or value != Settings.model_fields[name].default
    }
    return {
        **account,
        "WorkingDirectory": str(PROJECT_ROOT),
        "Environment": " ".join(f'"{name}={value}"' for name, value in environment.items()),
        "EnvironmentFile": f"-{secrets_file()}",
        "UMask": "0077",
        "NoNewPrivileges": "yes",
        "PrivateTmp": "yes",
        "ProtectKernelTunables": "yes",
        "ProtectControlGroups": "yes",
        "RestrictSUIDSGID": "yes",
    }


def _text(*sections: tuple[str, Mapping[str, str]]) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        for name, values in sections
    )
