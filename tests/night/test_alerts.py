"""The line about a night that was not published: in the log, on the pages, to real servers."""

from __future__ import annotations

import base64
import email
import http.server
import json
import logging
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certificates
import pytest
from apprise.plugins.slack import NotifySlack
from pydantic import SecretStr

from carepath.errors import SettingsError
from carepath.logs import service_log_file
from carepath.service import configuration, metadata
from carepath.service.alerts import alert, note_published, send
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse", "airflow_metadata")

MESSAGE = "E09900001: rule EET-01 found too many. What to do: correct the records."
HELD = f"Carepath: the night of 27 June 2019 was not published (held). {MESSAGE}"
SECRET = "correct-horse-battery"
TEAMS_TOKEN = "643a03dafad643a03dafad"
SLACK_TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


class Mailbox(socketserver.StreamRequestHandler):
    """A mail server that asks for a log-in and keeps what it is given."""

    received: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        is_known = False
        for line in self.rfile:
            command, *rest = line.strip().split(b" ")
            if command.upper() == b"EHLO":
                self.wfile.write(b"250-localhost\r\n250 AUTH PLAIN\r\n")
            elif command.upper() == b"AUTH":
                _, account, password = base64.b64decode(rest[1]).split(b"\0")
                is_known = (account, password) == (b"carepath", SECRET.encode())
                self.wfile.write(b"235 welcome\r\n" if is_known else b"535 no\r\n")
            elif command.upper() == b"DATA" and is_known:
                self.wfile.write(b"354 go on\r\n")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.received.append(text.decode())
                self.wfile.write(b"250 kept\r\n")
            elif command.upper() == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 fine\r\n" if is_known else b"530 log in first\r\n")


class Webhook(http.server.BaseHTTPRequestHandler):
    """A web server that keeps what is posted to it, and answers on /down that it is down."""

    received: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.received.append((self.path, body))
        self.send_response(503 if self.path.startswith("/down") else 200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost with its key, in one file."""
    return certificates.of_localhost(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def servers(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """The ports of a mail server with TLS, a web server with TLS and one without."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    Mailbox.received, Webhook.received = [], []
    mail = socketserver.ThreadingTCPServer(("localhost", 0), Mailbox)
    mail.daemon_threads = True
    safe = http.server.ThreadingHTTPServer(("localhost", 0), Webhook)
    for server in (mail, safe):
        server.socket = context.wrap_socket(server.socket, server_side=True)
    plain = http.server.ThreadingHTTPServer(("localhost", 0), Webhook)
    running = {"mail": mail, "teams": safe, "web": plain}
    for server in running.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {name: server.server_address[1] for name, server in running.items()}
    for server in running.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def airflow_metadata(warehouse: None) -> None:
    """Airflow's metadata database."""
    configuration.initialise()


@pytest.fixture
def held_night() -> Iterator[None]:
    """A night that was held, in ops.runs and in Airflow's metadata."""
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.runs (run_id, night, state, trigger, message)"
            " values ('held', '2019-06-27', 'held', 'test', %s) on conflict do nothing",
            (MESSAGE,),
        )
    add_run("held")
    yield
    with connect("carepath_owner") as owner:
        owner.execute("delete from ops.runs where run_id = 'held'")
    remove_runs()


def add_run(run_id: str) -> None:
    with connect("airflow_meta", "airflow") as airflow:
        airflow.execute(
            "insert into log_template (filename, elasticsearch_id, created_at)"
            " select 'x', 'x', now() where not exists (select from log_template)"
        )
        airflow.execute(
            "insert into dag_run (dag_id, run_id, run_type, state, run_after, start_date,"
            " log_template_id, clear_number, span_status)"
            " select 'nightly_load', %s, 'manual', 'failed', now(), now(), min(id), 0,"
            " 'not_started' from log_template",
            (run_id,),
        )


def remove_runs() -> None:
    with connect("airflow_meta", "airflow") as airflow:
        airflow.execute("delete from dag_run where dag_id = 'nightly_load'")


def note_of(run_id: str) -> str | None:
    with connect("airflow_meta", "airflow") as airflow:
        row = airflow.execute(
            "select content from dag_run_note join dag_run on dag_run_id = id where run_id = %s",
            (run_id,),
        ).fetchone()
    return row[0] if row else None


def addresses(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    monkeypatch.setattr(get_settings(), "alert_urls", SecretStr(" ".join(found)))


def test_alert_of_a_held_night_is_one_line_in_the_log_and_the_note_of_the_run(
    held_night: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        line = alert("held")

    assert line == HELD
    assert caplog.messages == [line]
    assert note_of("held") == line
    kept = json.loads(service_log_file().read_text().splitlines()[-1])
    assert (kept["event"], kept["run_id"]) == (line, "held")


def test_alert_goes_by_mail_with_tls_and_a_log_in(
    held_night: None, servers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses(
        monkeypatch,
        f"mailtos://carepath:{SECRET}@localhost:{servers['mail']}?mode=ssl&smtp=localhost"
        "&from=carepath@council.example&to=bi-team@council.example",
    )
    alert("held")
    (mail,) = Mailbox.received
    assert "To: bi-team@council.example" in mail
    assert MESSAGE in plain_text(mail)
    assert f"{get_settings().pages_url}/dags/nightly_load/runs/held" in plain_text(mail)


def test_alert_goes_to_teams_slack_and_a_webhook(
    held_night: None, servers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://localhost:{servers['web']}/services")
    addresses(
        monkeypatch,
        f"workflows://localhost:{servers['teams']}/{TEAMS_TOKEN}/signature",
        f"slack://{SLACK_TOKENS}/#bi-team",
        f"json://localhost:{servers['web']}/hook",
    )
    alert("held")

    (teams, teams_body), (slack, slack_body), (hook, hook_body) = Webhook.received
    assert TEAMS_TOKEN in teams
    assert slack == f"/services/{SLACK_TOKENS}"
    assert hook == "/hook"
    assert json.loads(hook_body)["message"] == f"{HELD}\n\n{link('held')}"
    for body in (teams_body, slack_body):
        assert MESSAGE in body
        assert link("held") in body


def test_channel_that_is_down_leaves_the_others_their_alert_and_no_secret_in_the_log(
    servers: dict[str, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    addresses(
        monkeypatch,
        f"json://carepath:{SECRET}@localhost:{servers['web']}/down",
        f"unheard-of://carepath:{SECRET}@localhost",
        f"json://localhost:{servers['web']}/hook",
    )
    with caplog.at_level(logging.DEBUG):
        assert send("title", "body") is False

    assert [path for path, _ in Webhook.received] == ["/down", "/down", "/hook"]
    assert "Alert address 1 (json) did not accept the alert." in caplog.messages
    assert "Alert address 2 (unheard-of) is not an apprise address." in caplog.messages
    assert SECRET not in caplog.text


def test_addresses_come_from_a_file_that_only_its_owner_may_read(
    servers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = get_settings().alert_urls_file
    file.write_text(f"# the team's channel\njson://localhost:{servers['web']}/hook\n")
    file.chmod(0o640)
    try:
        with pytest.raises(SettingsError, match="chmod 600"):
            send("title", "body")
        file.chmod(0o600)
        assert send("title", "body") is True
    finally:
        file.unlink()
    assert [path for path, _ in Webhook.received] == ["/hook"]


def test_alert_of_a_night_that_never_began_gives_the_reason_of_its_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_run("refused")
    with connect("airflow_meta", "airflow") as airflow:
        airflow.execute(
            "insert into task_instance (id, task_id, dag_id, run_id, map_index, state, pool,"
            " try_number, pool_slots, start_date, last_heartbeat_at, span_status)"
            " values ('00000000-0000-0000-0000-000000000001', 'plan', 'nightly_load', 'refused',"
            " -1, 'failed', 'default_pool', 1, 1, now(), now(), 'not_started')"
        )
    metadata.note_task("00000000-0000-0000-0000-000000000001", "No source is listed.")

    line = alert("refused")

    assert line == "Carepath: a night failed before it began. No source is listed."
    assert note_of("refused") == line
    (run,) = metadata.runs_without_a_night()
    assert (run.run_id, run.reason) == ("refused", "No source is listed.")
    remove_runs()


def test_alert_of_a_run_that_nothing_is_known_of_says_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert "What to do: read the log" in alert("unknown")
    assert "What to do: read the log" in caplog.text


def test_published_night_is_named_in_the_note_of_its_run(held_night: None) -> None:
    note_published("held")
    assert note_of("held") == "The night of 27 June 2019 was published."


def test_note_of_a_published_night_says_that_records_are_left_out(held_night: None) -> None:
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into quality.decisions (run_id, authority, night, kind, outcome,"
            " left_out_count) values ('held', 'E09900001', '2019-06-27', 'night',"
            " 'published with records left out', 7)"
        )
    note_published("held")
    assert note_of("held") == (
        "The night of 27 June 2019 was published with records of 7 young people left out. The"
        " work list says which and why."
    )


def test_note_keeps_to_the_length_that_airflow_allows(held_night: None) -> None:
    metadata.note_run("held", "long " * 400)
    note = note_of("held")
    assert note is not None
    assert len(note) == metadata.LONGEST_NOTE
    assert note.endswith("`carepath status` shows all of it.")


def link(run_id: str) -> str:
    return f"{get_settings().pages_url}/dags/nightly_load/runs/{run_id}"


def plain_text(mail: str) -> str:
    message: Any = email.message_from_string(mail)
    parts = [part.get_payload(decode=True) or b"" for part in message.walk()]
    return " ".join(b" ".join(parts).decode().split())
