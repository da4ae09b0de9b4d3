"""Sign-in through a web server with TLS: a browser never sends the session without encryption."""

from __future__ import annotations

import re
from collections.abc import Iterator

import airflow_pages
import httpx
import pytest

from carepath.desk import PREFIX
from carepath.settings import get_settings

OUTSIDE = "https://carepath.council.example"


@pytest.fixture(scope="module")
def address(warehouse: None) -> Iterator[str]:
    """Where Airflow answers the web server."""
    get_settings().airflow_url = OUTSIDE
    with airflow_pages.api_server() as found:
        airflow_pages.make_account("stella", "Carepath steward")
        yield found
    get_settings().airflow_url = None


class Browser:
    """Sends requests as the web server passes them on, and keeps the cookies with their marks."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies: dict[str, str] = {}
        self.marks: dict[str, str] = {}

    def ask(self, method: str, path: str, **form: str) -> httpx.Response:
        headers = {
            "Host": OUTSIDE.removeprefix("https://"),
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Proto": "https",
            "Referer": f"{OUTSIDE}/auth/login/",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        answer = httpx.request(
            method, f"{self.address}{path}", headers=headers, data=form or None, timeout=60
        )
        for line in answer.headers.get_list("set-cookie"):
            cookie, _, marks = line.partition(";")
            name, _, self.cookies[name] = cookie.partition("=")
            self.marks[name] = marks.lower()
        return answer


def test_cookies_of_a_session_are_for_encrypted_connections_only(address: str) -> None:
    browser = Browser(address)
    page = browser.ask("GET", "/auth/login/").text
    proof = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert proof is not None
    account = {"username": "stella", "password": airflow_pages.PASSWORD}
    answer = browser.ask("POST", "/auth/login/", csrf_token=proof[1], **account)
    assert answer.status_code == 302
    assert browser.ask("GET", f"{PREFIX}/work-list").status_code == 200
    assert {"_token", "session"} <= browser.marks.keys()
    for name in ("_token", "session"):
        assert "secure" in browser.marks[name], name
        assert "httponly" in browser.marks[name], name
        assert "samesite" in browser.marks[name], name
