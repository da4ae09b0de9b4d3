"""docker-compose.yml without a Docker engine: its structure, its secrets, its commands."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from carepath.containers import SECRETS, airflow_environment, write_env_file
from carepath.settings import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

# The part of the Compose specification's schema (compose-spec.json) that this file uses.
TEXTS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
NAMED = "^[a-zA-Z0-9._-]+$"
DURATION = {"type": "string", "pattern": r"^([0-9]+(h|m|s))+$"}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "command", "environment", "restart"],
    "properties": {
        "build": {"type": "string"},
        "cap_drop": TEXTS,
        "command": {"type": "array", "items": {"type": "string"}},
        "depends_on": {
            "type": "object",
            "patternProperties": {
                NAMED: {
                    "type": "object",
                    "required": ["condition"],
                    "additionalProperties": False,
                    "properties": {
                        "condition": {"enum": ["service_healthy", "service_completed_successfully"]}
                    },
                }
            },
            "additionalProperties": False,
        },
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test", "interval", "timeout", "retries", "start_period"],
            "properties": {
                "test": {"type": "array", "items": {"type": "string"}},
                "interval": DURATION,
                "timeout": DURATION,
                "start_period": DURATION,
                "retries": {"type": "integer"},
            },
        },
        "image": {"type": "string"},
        "init": {"type": "boolean"},
        "ports": TEXTS,
        "read_only": {"type": "boolean"},
        "restart": {"type": "string", "pattern": "^(unless-stopped|on-failure:[0-9]+)$"},
        "security_opt": TEXTS,
        "shm_size": {"type": "string"},
        "tmpfs": TEXTS,
        "volumes": TEXTS,
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services"],
    "properties": {
        "name": {"type": "string"},
        "services": {
            "type": "object",
            "patternProperties": {NAMED: SERVICE},
            "additionalProperties": False,
        },
        "volumes": {"type": "object", "patternProperties": {NAMED: {"type": "null"}}},
    },
    "patternProperties": {"^x-": {}},
}


def test_compose_file_keeps_the_specification() -> None:
    jsonschema.validate(COMPOSE, SCHEMA)


def test_compose_file_has_the_services_of_airflow_and_postgresql() -> None:
    assert set(SERVICES) == {
        *("postgres", "prepare", "api-server", "scheduler", "dag-processor", "triggerer")
    }


def test_compose_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(re.match(r"127\.0\.0\.1:\$\{[A-Z_]+:-\d+\}:\d+$", port) for port in ports)


def test_compose_images_are_pinned_to_an_exact_version() -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    images = {service["image"] for service in SERVICES.values()}
    images |= set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    assert len(images) == 3
    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?(@sha256:[0-9a-f]{64})?$", image), image


def test_compose_secrets_come_from_the_env_file_and_nowhere_else(tmp_path: Path) -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    assert required == set(SECRETS)
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|KEY", name):
                assert value.startswith("${"), name
    holders = {name for name, service in SERVICES.items() if "_PASSWORD" in str(service)}
    assert holders == {"postgres", "prepare"}


def test_compose_every_service_that_stays_has_a_health_check() -> None:
    for name, service in SERVICES.items():
        assert ("healthcheck" in service) is (name != "prepare"), name


def test_compose_dependencies_and_volumes_exist() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES
            assert ("healthcheck" in SERVICES[other]) is (how["condition"] == "service_healthy")
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in COMPOSE["volumes"]


def test_compose_commands_are_understood_by_airflow() -> None:
    commands = [s["command"][1:] for s in SERVICES.values() if s["command"][0] == "airflow"]
    checks = [
        s["healthcheck"]["test"][5:]
        for s in SERVICES.values()
        if "carepath.containers" in s.get("healthcheck", {}).get("test", [])
    ]
    assert (len(commands), len(checks)) == (4, 3)
    program = (
        "import json, sys\n"
        "from airflow.cli.cli_parser import get_parser\n"
        "for command in json.loads(sys.argv[1]): get_parser().parse_args(command)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands + checks)],
        check=True,
        capture_output=True,
    )


def test_write_env_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert write_env_file(path)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    values = dict(re.findall(r"^([A-Z_]+)=(\S{32,})$", text, re.MULTILINE))
    assert set(values) == set(SECRETS)
    assert len(set(values.values())) == len(values)
    assert not write_env_file(path)
    assert path.read_text() == text


def test_env_file_command_needs_nothing_installed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "carepath.containers", "--help"],
        env={"PYTHONPATH": str(PROJECT_ROOT / "plugins")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "env-file" in done.stdout


@pytest.mark.parametrize("ignored", [".gitignore", ".dockerignore"])
def test_env_file_reaches_neither_git_nor_the_image(ignored: str) -> None:
    lines = (PROJECT_ROOT / ignored).read_text().splitlines()
    assert ".env" in lines or "*" in lines
    assert "!.env" not in lines


def test_airflow_environment_what_compose_sets_comes_first(warehouse: None) -> None:
    outside = {"AIRFLOW__API__HOST": "0.0.0.0", "POSTGRES_PASSWORD": "unseen"}  # noqa: S104
    inside = airflow_environment(outside)
    assert inside["AIRFLOW__API__HOST"] == "0.0.0.0"  # noqa: S104
    assert inside["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert "POSTGRES_PASSWORD" not in inside
