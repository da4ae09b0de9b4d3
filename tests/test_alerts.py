"""The line that tells a person what a night needs of them: in the log and by real SMTP."""

from __future__ import annotations

import logging
import socketserver
import threading
from collections.abc import Iterator

import pytest

from carepath.alerts import tell
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

MESSAGE = "E09900001: rule EET-01 found too many. What to do: correct the records."


class Mailbox(socketserver.StreamRequestHandler):
    """A mail server that keeps what it is given."""

    received: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        for line in self.rfile:
            command = line.strip().upper()
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.received.append(text.decode())
                self.wfile.write(b"250 kept\r\n")
            elif command == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 fine\r\n")


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Messages received by a mail server that the settings name."""
    Mailbox.received = []
    with socketserver.TCPServer(("127.0.0.1", 0), Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = get_settings()
        monkeypatch.setattr(settings, "smtp_host", "127.0.0.1")
        monkeypatch.setattr(settings, "smtp_port", server.server_address[1])
        monkeypatch.setattr(settings, "alert_email", "bi-team@council.example")
        yield Mailbox.received
        server.shutdown()


@pytest.fixture
def held_night() -> Iterator[None]:
    """A night that was held, in ops.runs."""
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.runs (run_id, night, state, trigger, message)"
            " values ('held', '2019-06-27', 'held', 'test', %s) on conflict do nothing",
            (MESSAGE,),
        )
    yield
    with connect("carepath_owner") as owner:
        owner.execute("delete from ops.runs where run_id = 'held'")


def test_tell_held_night_is_logged_and_mailed_in_one_line(
    held_night: None, mailbox: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        line = tell("held")

    assert line == f"Carepath: the night of 27 June 2019 was not published (held). {MESSAGE}"
    assert caplog.messages == [line]
    (mail,) = mailbox
    assert "To: bi-team@council.example" in mail
    assert MESSAGE in mail.replace("=\r\n", "").replace("\r\n", "")


def test_tell_night_that_never_began_says_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert "carepath doctor" in tell("unknown")
    assert "carepath doctor" in caplog.text


def test_tell_without_a_mail_server_only_logs(held_night: None) -> None:
    assert get_settings().smtp_host is None
    assert MESSAGE in tell("held")
