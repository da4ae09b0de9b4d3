"""The Compose files without a Docker engine: their structure, their secrets, their commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import redis_server
import yaml

from carepath.containers import SECRETS, airflow_environment, write_env_file
from carepath.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Compose:
    """A Compose file: its name, its text and what YAML makes of it."""

    name: str
    text: str
    parsed: dict[str, Any]

    @property
    def is_region(self) -> bool:
        return "region" in self.name

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.parsed["services"]
        return found


@pytest.fixture(params=["docker-compose.yml", "docker-compose.region.yml"])
def compose(request: pytest.FixtureRequest) -> Compose:
    """One of the files after the other."""
    text = (PROJECT_ROOT / request.param).read_text(encoding="utf-8")
    return Compose(request.param, text, yaml.safe_load(text))


# The part of the Compose specification's schema (compose-spec.json) that this file uses.
TEXTS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
NAMED = "^[a-zA-Z0-9._-]+$"
DURATION = {"type": "string", "pattern": r"^([0-9]+(h|m|s))+$"}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "command", "environment", "restart"],
    "properties": {
        "build": {
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["context"],
                    "additionalProperties": False,
                    "properties": {
                        "context": {"type": "string"},
                        "args": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                },
            ]
        },
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


def test_compose_file_keeps_the_specification(compose: Compose) -> None:
    jsonschema.validate(compose.parsed, SCHEMA)


def test_compose_file_has_the_services_of_airflow_and_postgresql(compose: Compose) -> None:
    assert set(compose.services) == {
        *("postgres", "prepare", "api-server", "scheduler", "dag-processor", "triggerer"),
        *(("redis", "worker-load", "worker-judge") if compose.is_region else ()),
    }


def test_compose_ports_are_published_on_loopback_only(compose: Compose) -> None:
    ports = [port for service in compose.services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(re.match(r"127\.0\.0\.1:\$\{[A-Z_]+:-\d+\}:\d+$", port) for port in ports)


def test_compose_images_are_pinned_to_an_exact_version(compose: Compose) -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    images = {service["image"] for service in compose.services.values()}
    images |= set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    assert len(images) == (4 if compose.is_region else 3)
    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?(@sha256:[0-9a-f]{64})?$", image), image


def test_compose_secrets_come_from_the_env_file_and_nowhere_else(compose: Compose) -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", compose.text))
    assert required == set(SECRETS) - (set() if compose.is_region else {"REDIS_PASSWORD"})
    for service in compose.services.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD$|SECRET|KEY", name):
                assert value.startswith("${"), name
    holders = {
        name
        for name, service in compose.services.items()
        if re.search("(POSTGRES|ADMIN)_PASSWORD", str(service))
    }
    assert holders == {"postgres", "prepare"}


def test_compose_every_service_that_stays_has_a_health_check(compose: Compose) -> None:
    for name, service in compose.services.items():
        assert ("healthcheck" in service) is (name != "prepare"), name


def test_compose_dependencies_and_volumes_exist(compose: Compose) -> None:
    for service in compose.services.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in compose.services
            is_healthy = how["condition"] == "service_healthy"
            assert ("healthcheck" in compose.services[other]) is is_healthy
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose.parsed["volumes"]


def test_compose_commands_are_understood_by_airflow(compose: Compose) -> None:
    of_airflow = [s["command"] for s in compose.services.values() if s["command"][0] == "airflow"]
    commands = [command[1:] for command in of_airflow]
    checks = [
        s["healthcheck"]["test"][5:]
        for s in compose.services.values()
        if s.get("healthcheck", {}).get("test", [])[:5]
        == ["CMD", "python", "-m", "carepath.containers", "airflow"]
    ]
    assert (len(commands), len(checks)) == (6 if compose.is_region else 4, 3)
    program = (
        "import json, sys\n"
        "from airflow.cli.cli_parser import get_parser\n"
        "for command in json.loads(sys.argv[1]): get_parser().parse_args(command)\n"
    )
    environment = dict(os.environ)
    if compose.is_region:
        if not redis_server.is_there():
            pytest.skip(redis_server.MISSING)
        environment["AIRFLOW__CORE__EXECUTOR"] = "CeleryExecutor"  # which brings the command
    subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands + checks)],
        check=True,
        capture_output=True,
        env=environment,
    )


def test_compose_workers_share_no_home_and_may_not_write_what_they_share(
    compose: Compose,
) -> None:
    if not compose.is_region:
        pytest.skip("one machine has one home")
    homes = []
    for name in ("worker-load", "worker-judge"):
        volumes = [volume.split(":") for volume in compose.services[name]["volumes"]]
        homes += [volume[0] for volume in volumes if volume[1] == "/var/lib/carepath"]
        assert all(volume[-1] == "ro" for volume in volumes if volume[0] in ("site", "passwords"))
    assert homes == ["home-load", "home-judge"]


def test_compose_redis_asks_for_its_password(compose: Compose) -> None:
    """The command of the file, run by a shell with a Redis of this machine."""
    if not compose.is_region:
        pytest.skip("only a region has a Redis")
    if shutil.which("redis-server") is None:
        pytest.skip(redis_server.MISSING)
    with tempfile.TemporaryDirectory() as folder:
        command = compose.services["redis"]["command"][2].replace("$$", "$")
        # elsewhere than in a container: another folder, and a socket instead of a port
        here = f"dir {folder}\nport 0\nunixsocket {folder}/redis.sock"
        process = subprocess.Popen(
            ["sh", "-c", command.replace("dir /data", here)],
            env={**os.environ, "REDIS_PASSWORD": "invented"},
            stdout=subprocess.DEVNULL,
        )
        try:
            end = time.monotonic() + 30
            while not Path(folder, "redis.sock").exists():
                assert time.monotonic() < end
                time.sleep(0.05)
            ping = ["redis-cli", "-s", f"{folder}/redis.sock", "ping"]
            refused = subprocess.run(ping, capture_output=True, text=True, check=False).stdout
            with_it = {**os.environ, "REDISCLI_AUTH": "invented"}
            answered = subprocess.run(ping, capture_output=True, text=True, env=with_it, check=True)
            # not a shell, which would keep the signal to stop to itself
            assert Path(f"/proc/{process.pid}/comm").read_text().strip() == "redis-server"
        finally:
            process.terminate()
            process.wait(timeout=30)
    assert "NOAUTH" in refused
    assert answered.stdout.strip() == "PONG"


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
