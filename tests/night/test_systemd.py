"""systemd units: what systemd makes of them, and what they keep to themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from carepath.service import systemd
from carepath.service.processes import SERVICES
from carepath.settings import get_settings


def test_units_pass_systemds_own_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "tls_listen", "0.0.0.0:5432")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine")
    written = systemd.write_units(tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, written)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_target_wants_the_warehouse_and_each_service() -> None:
    units = systemd.units()
    wanted = {systemd.WAREHOUSE, *(f"carepath-{service}.service" for service in SERVICES)}
    assert set(units) == {systemd.TARGET, *wanted}
    assert all(name in units[systemd.TARGET] for name in wanted)
    assert all(
        f"After={systemd.WAREHOUSE}" in units[f"carepath-{name}.service"] for name in SERVICES
    )


def test_units_carry_settings_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = get_settings()
    monkeypatch.setattr(settings, "airflow_port", 8123)
    monkeypatch.setattr(settings, "warehouse_url", "postgresql://admin:hidden@host:5432")
    monkeypatch.setattr(settings, "alert_urls", SecretStr("json://user:hidden@host"))
    text = "\n".join(systemd.units().values())
    assert f'"CAREPATH_HOME={settings.home}"' in text
    assert '"CAREPATH_AIRFLOW_PORT=8123"' in text
    assert "hidden" not in text
    assert f"EnvironmentFile=-{systemd.secrets_file()}" in text


def test_units_have_the_encrypted_door_if_it_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "carepath-tls-door.service" not in systemd.units()
    monkeypatch.setattr(get_settings(), "tls_listen", "0.0.0.0:5432")
    units = systemd.units()
    assert "-m carepath.service tls-door" in units["carepath-tls-door.service"]
    assert '"CAREPATH_TLS_LISTEN=0.0.0.0:5432"' in units["carepath-tls-door.service"]
    assert "carepath-tls-door.service" in units[systemd.TARGET]
