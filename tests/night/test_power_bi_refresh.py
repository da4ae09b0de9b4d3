"""The refresh of Power BI: the real DAG and operator, and a server in Power BI's place."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import certificates
import pytest

from carepath.errors import SettingsError
from carepath.logs import service_log_file
from carepath.night.lock import driving, take
from carepath.publish.publication import PUBLISHER_LOCK
from carepath.service import configuration
from carepath.service.after_rollback import refresh_power_bi
from carepath.settings import PROJECT_ROOT, get_settings
from carepath.site import read_site
from carepath.site.power_bi import POWER_BI, REFRESH_DAG, read_power_bi
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse", "power_bi_operators")

WORKSPACE = "7f9c3a52-0d1e-4c07-9a55-3f60c0ffee01"
MODEL = "2b1d8e44-6a3f-4f0e-8d21-9b7ac0ffee02"
TENANT = "5e6f7a88-1c2d-4b3e-9f40-1a2bc0ffee03"
REFRESH = "9a0b1c2d-3e4f-4a5b-8c6d-7e8fc0ffee04"
SECRET = "the-secret-of-the-application"
VALUE_OF_A_RECORD = "Canary Q. Sparrow"
SETTINGS = f"workspace: {WORKSPACE}\nsemantic_model: {MODEL}\nlongest_minutes: 1\n"


@dataclass
class PowerBIService:
    """Where Microsoft signs applications in, and Power BI's interface, on one port.

    Attributes:
        answers: the status of the refresh, one for each time that it is asked for.
        heard: what was asked, in order.
        publishing: whether a publication could have begun, each time that something was asked.
    """

    answers: list[str]
    heard: list[str] = field(default_factory=list)
    publishing: list[bool] = field(default_factory=list)
    address: str = ""

    def hear(self, what: str) -> None:
        self.heard.append(what)
        with connect("carepath_owner") as publisher:
            self.publishing += publisher.execute(
                "select pg_try_advisory_xact_lock(%s)", [PUBLISHER_LOCK]
            ).fetchone() or [True]


def handler(service: PowerBIService) -> type[BaseHTTPRequestHandler]:
    token = "a-token-of-the-application"
    refreshes = f"/v1.0/myorg/groups/{WORKSPACE}/datasets/{MODEL}/refreshes"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/.well-known/openid-configuration"):
                here = f"https://{service.address}/{TENANT}"
                self.answer({
                    "issuer": f"{here}/v2.0",
                    "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{here}/oauth2/v2.0/token",
                })  # fmt: skip
            elif self.path == refreshes and self.is_known():
                service.hear("look")
                status = service.answers.pop(0) if service.answers else "Unknown"
                error = json.dumps({"errorDescription": f"cannot convert '{VALUE_OF_A_RECORD}'"})
                self.answer({
                    "value": [
                        {"requestId": REFRESH, "status": status, "serviceExceptionJson": error}
                    ]
                })  # fmt: skip
            else:
                self.answer({}, status=404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            if self.path == f"/{TENANT}/oauth2/v2.0/token":
                form = parse_qs(body)
                assert form["client_secret"] == [SECRET]
                assert form["scope"] == ["https://analysis.windows.net/powerbi/api/.default"]
                self.answer({"access_token": token, "token_type": "Bearer", "expires_in": 3600})
            elif self.path == refreshes and self.is_known():
                service.hear("refresh")
                self.answer(None, status=202, RequestId=REFRESH)
            else:
                self.answer({}, status=404)

        def is_known(self) -> bool:
            return self.headers["Authorization"] == f"Bearer {token}"

        def answer(self, content: Any, status: int = 200, **headers: str) -> None:
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.of_localhost(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def service(certificate: Path) -> Iterator[PowerBIService]:
    service = PowerBIService(answers=["Unknown", "Unknown", "Completed"])
    server = ThreadingHTTPServer(("localhost", 0), handler(service))
    service.address = f"localhost:{server.server_address[1]}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield service
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings_file() -> Iterator[Path]:
    file = get_settings().home / "site" / POWER_BI
    file.parent.mkdir(exist_ok=True)
    file.write_text(SETTINGS, encoding="utf-8")
    yield file
    file.unlink()


@pytest.fixture
def refresh(
    service: PowerBIService, settings_file: Path, certificate: Path
) -> Callable[[], tuple[int, str]]:
    """Run the DAG as Airflow does, to its end: its exit code and its log."""
    configuration.initialise()
    extra = {
        "tenant_id": TENANT,
        "authority": f"https://{service.address}",
        "base_url": f"https://{service.address}/v1.0",
        "allowed_hosts": "localhost",
        "disable_instance_discovery": True,
        "trust_env": True,
    }
    connection = {
        "conn_type": "powerbi", "login": "the-application", "password": SECRET, "extra": extra
    }  # fmt: skip
    file = PROJECT_ROOT / "dags" / "power_bi_refresh.py"

    def run() -> tuple[int, str]:
        process = subprocess.Popen(
            [sys.executable, "-c", QUICKLY, "dags", "test", "power_bi_refresh", "-f", str(file)],
            env={
                **configuration.environment(),
                "AIRFLOW_CONN_POWER_BI": json.dumps(connection),
                "SSL_CERT_FILE": str(certificate),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        watch = threading.Timer(120, process.kill)
        watch.start()
        log, _ = process.communicate()
        watch.cancel()
        return process.returncode, log

    return run


# Airflow's command line, looking each second whether the refresh has ended
QUICKLY = """
import carepath.service.power_bi
carepath.service.power_bi.SECONDS_BETWEEN_LOOKS = 1
from carepath.site.power_bi import read_power_bi
begins = carepath.service.power_bi.refresh_dag(read_power_bi()).timetable.asset_condition
print("begins after", *(asset.uri for asset in begins.objects))
from airflow.__main__ import main
main()
"""


def test_refresh_is_asked_for_and_waited_for_while_nothing_can_be_published(
    refresh: Callable[[], tuple[int, str]], service: PowerBIService
) -> None:
    code, log = refresh()

    assert code == 0, log[-9000:]
    # the trigger looks once before it begins to wait
    assert service.heard == ["refresh", "look", "look", "look"]
    assert service.publishing == [False] * 4
    assert "begins after carepath://warehouse/marts" in log
    assert SECRET not in log


def task_starts() -> list[tuple[Any, ...]]:
    """Return when Airflow began each refresh that it has begun."""
    with connect("airflow_meta", "airflow") as connection:
        return connection.execute(
            "select run_id, start_date from task_instance where dag_id = %s and state = 'running'"
            " order by 1",
            [REFRESH_DAG],
        ).fetchall()


def test_refresh_waits_for_the_night_that_is_running(
    refresh: Callable[[], tuple[int, str]], service: PowerBIService
) -> None:
    ended: list[tuple[int, str]] = []
    waiting = threading.Thread(target=lambda: ended.append(refresh()))
    with driving():
        with connect("carepath_loader") as connection:
            connection.execute(
                "insert into ops.runs (run_id, night, trigger, state)"
                " values ('tonight', '2019-06-30', 'test', 'running')"
            )
            take(connection, "tonight")
        before = task_starts()
        waiting.start()
        while task_starts() == before and waiting.is_alive():
            time.sleep(0.1)
        time.sleep(5)  # the task looks for a night each two seconds
        assert waiting.is_alive()
        assert service.heard == []
        with connect("carepath_loader") as connection:
            connection.execute(
                "update ops.runs set state = 'published', finished_at = now()"
                " where run_id = 'tonight'"
            )
    waiting.join(timeout=120)

    assert ended[0][0] == 0, ended[0][1][-3000:]
    assert service.heard[0] == "refresh"


def test_refresh_that_fails_is_said_without_what_power_bi_quotes(
    refresh: Callable[[], tuple[int, str]], service: PowerBIService
) -> None:
    service.answers = ["Unknown", "Failed"]

    code, log = refresh()

    assert code != 0
    assert f"did not complete the refresh {REFRESH} (Failed)" in log
    assert VALUE_OF_A_RECORD not in log
    assert service.heard.count("refresh") == 1
    assert "Power BI was not refreshed, and shows older figures" in service_log_file().read_text()


def refreshes() -> list[str]:
    with connect("airflow_meta", "airflow") as connection:
        return [
            state
            for (state,) in connection.execute(
                "select state from dag_run where dag_id = %s", [REFRESH_DAG]
            )
        ]


def test_rollback_starts_the_refresh_or_says_that_it_did_not(settings_file: Path) -> None:
    configuration.initialise()
    with connect("airflow_meta", "airflow") as connection:
        connection.execute("delete from dag_run where dag_id = %s", [REFRESH_DAG])
        connection.execute("delete from dag where dag_id = %s", [REFRESH_DAG])
    said = refresh_power_bi()  # Airflow has not seen the DAG yet
    assert said.startswith("Power BI still shows the figures of before")
    assert f"trigger the DAG {REFRESH_DAG}" in said

    log = get_settings().logs / "airflow" / "reserialize.log"
    configuration.airflow(("dags", "reserialize"), log=log)
    before = refreshes()
    assert refresh_power_bi() == (
        f"Airflow runs {REFRESH_DAG} next, so that Power BI reads these figures."
    )
    assert refreshes() == [*before, "queued"]
    settings_file.write_text("", encoding="utf-8")
    assert refresh_power_bi() == ""
    assert len(refreshes()) == len(before) + 1


def test_without_settings_there_is_nothing_to_refresh() -> None:
    configuration.initialise()
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "list", "--local", "--output", "plain"],
        env=configuration.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert "nightly_load" in done.stdout
    assert "power_bi_refresh" not in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SETTINGS.replace(MODEL, "the scorecard"), "semantic_model is not valid"),
        (SETTINGS.replace("longest_minutes: 1", "longest_minutes: 0"), "longest_minutes is not"),
        (SETTINGS + "secret: hush\n", "secret is not valid"),
        ("workspace: [", "cannot be read as YAML"),
    ],
)
def test_wrong_settings_name_what_is_wrong(settings_file: Path, text: str, said: str) -> None:
    settings_file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError, match=said):
        read_power_bi()
    assert any(said in str(problem) for problem in read_site().problems)


def test_empty_settings_are_none(settings_file: Path) -> None:
    settings_file.write_text("# nothing yet\n", encoding="utf-8")

    assert read_power_bi() is None
    assert os.environ.get("AIRFLOW_CONN_POWER_BI") is None
