"""The digest of the morning: counts and links, by real servers, and only if it is set."""

from __future__ import annotations

import json
from collections.abc import Iterator

import desk_warehouse
import pytest
from desk_warehouse import ASHMERE
from test_alerts import SECRET, Mailbox, Webhook, certificate, plain_text, servers

from carepath.service.digest import send_digests
from carepath.settings import get_settings

__all__ = ["certificate", "servers"]

LAST_RUN = "Ashmere 2019-03-12"
pytestmark = pytest.mark.usefixtures("nights")


@pytest.fixture(scope="module")
def nights(warehouse: None) -> None:
    desk_warehouse.fill()


@pytest.fixture
def wanted() -> Iterator[None]:
    """The council wants a digest for one team by e-mail, and for all by a webhook."""
    file = get_settings().home / "site" / "desk.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        f"digests:\n- {{team: Leaving care east, authority: {ASHMERE},"
        " addresses: CAREPATH_DIGEST_EAST}\n- {addresses: CAREPATH_DIGEST_ALL}\n"
    )
    yield
    file.unlink()


def test_digest_is_off_until_somebody_is_named(servers: dict[str, int]) -> None:
    send_digests(LAST_RUN)
    assert Mailbox.received == []
    assert Webhook.received == []


def test_digest_has_counts_and_links_and_nothing_about_a_young_person(
    wanted: None, servers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "CAREPATH_DIGEST_EAST",
        f"mailtos://carepath:{SECRET}@localhost:{servers['mail']}?mode=ssl&smtp=localhost"
        "&from=carepath@council.example&to=east@council.example",
    )
    monkeypatch.setenv("CAREPATH_DIGEST_ALL", f"json://localhost:{servers['web']}/hook")
    send_digests(LAST_RUN)

    (mail,) = Mailbox.received
    text = plain_text(mail)
    assert "To: east@council.example" in mail
    assert "The figures are held." in text
    assert "Open findings: 8. New: 0. Holding figures: 6." in text
    assert "The oldest has been open since 1 March 2019." in text
    address = (
        f"{get_settings().pages_url}/desk/work-list?team=Leaving+care+east&authority={ASHMERE}"
    )
    assert f"{address}&holding=yes" in text.replace("&amp;", "&")
    ((_, body),) = Webhook.received
    posted = json.loads(body)
    title = "Carepath: work list of all teams after the night of 12 March 2019"
    assert posted["title"] == title
    assert "Open findings: 16." in posted["message"]
    for sent in (mail, text, body):
        assert not [n for n in range(12) if f"L-{n:03}" in sent or f"P-{n:03}" in sent]


def test_digest_without_an_address_is_said_in_the_log(
    wanted: None, servers: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    send_digests(LAST_RUN)
    assert "The variable CAREPATH_DIGEST_EAST holds no address of a digest." in caplog.messages
    assert Mailbox.received == []


def test_wrong_settings_are_said_in_the_log_and_stop_nothing(
    servers: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    file = get_settings().home / "site" / "desk.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("digests:\n- {team: East, addresses: 'mailto://secret'}\n")
    try:
        send_digests(LAST_RUN)
    finally:
        file.unlink()
    assert "site/desk.yml" in caplog.text
    assert "secret" not in caplog.text
