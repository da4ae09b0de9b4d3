"""Sign-in with the council's directory: a real Airflow, and a provider that does the code flow."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import airflow_pages
import httpx
import openid_provider
import pytest
import yaml
from openid_provider import CLIENT, SECRET, Provider

from carepath.audit import read_audit
from carepath.desk import PREFIX
from carepath.errors import SettingsError
from carepath.service import configuration
from carepath.settings import get_settings
from carepath.site import directory as site
from carepath.warehouse.connect import connect

ROLES = {
    "Carepath viewer": ["readers", "managers"],
    "Carepath steward": ["stewards"],
    "Carepath approver": ["managers"],
    "Admin": ["administrators"],
}
PEOPLE = {
    "viola": ["readers", "a group of something else"],
    "stella": ["stewards"],
    "ada": ["administrators"],
    "mo": ["managers"],
    "nora": [],
    "nobody": None,
    "expired": ["administrators"],
    "forged": ["administrators"],
    "elsewhere": ["administrators"],
    "replayed": ["administrators"],
    "issued": ["administrators"],
    "local": ["administrators"],
}

# Airflow remembers the roles of a person for half a minute
ENVIRONMENT = {site.SECRET: SECRET, "AIRFLOW__FAB__CACHE_TTL": "0"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with openid_provider.running() as found:
        found.people = dict(PEOPLE)
        past = int(time.time()) - 3600
        found.claims = {
            "expired": {"iat": past - 300, "exp": past},
            "elsewhere": {"aud": "another-client"},
            "replayed": {"nonce": "of-another-sign-in"},
            "issued": {"iss": "https://directory.example"},
        }
        found.forged = {"forged"}
        yield found


@pytest.fixture(scope="module")
def address(warehouse: None, provider: Provider) -> Iterator[str]:
    """Where Airflow answers, with the directory as its only way in."""
    folder = get_settings().home / "site"
    folder.mkdir(exist_ok=True)
    settings = {"issuer": provider.address, "client_id": CLIENT, "roles": ROLES}
    (folder / "directory.yml").write_text(yaml.safe_dump(settings))
    with airflow_pages.api_server(**ENVIRONMENT) as found:
        airflow_pages.make_account("local", "Admin")
        yield found
    (folder / "directory.yml").unlink()


@contextmanager
def signed_in(
    address: str, provider: Provider, person: str, page: str = "/"
) -> Iterator[tuple[httpx.Client, httpx.Response]]:
    """Sign in as a person, as a browser would; yield the browser and the page that it shows."""
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as browser:
        refused = browser.get(f"{PREFIX}{page}")
        assert refused.status_code == 401
        link = refused.text.partition('<a href="')[2].partition('"')[0].replace("&amp;", "&")
        choose = browser.get(link)
        assert str(choose.url).startswith(f"{provider.address}/authorize")
        asked = {**choose.url.params, "person": person}
        yield browser, browser.get(f"{provider.address}/choose", params=asked)


def sign_in(address: str, provider: Provider, person: str) -> None:
    """Sign in as a person, and close the browser."""
    with signed_in(address, provider, person):
        pass


def roles_of(person: str) -> set[str]:
    with connect("airflow_meta", "airflow") as airflow:
        rows = airflow.execute(
            "select ab_role.name from ab_user join ab_user_role on ab_user.id = user_id"
            " join ab_role on ab_role.id = role_id where username = %s",
            (person,),
        ).fetchall()
    return {name for (name,) in rows}


@pytest.mark.parametrize(
    ("person", "roles", "records"),
    [
        ("viola", {"Carepath viewer"}, 403),
        ("stella", {"Carepath steward"}, 200),
        ("mo", {"Carepath viewer", "Carepath approver"}, 200),
        ("ada", {"Admin"}, 200),
    ],
)
def test_person_gets_the_roles_of_their_groups(
    address: str, provider: Provider, person: str, roles: set[str], records: int
) -> None:
    with signed_in(address, provider, person, "/decisions?outcome=held") as (browser, page):
        assert page.status_code == 200
        assert (page.url.path, page.url.query) == (f"{PREFIX}/decisions", b"outcome=held")
        assert f'<span class="who">{person}</span>' in page.text
        assert roles_of(person) == roles | {"Public"}
        assert [deed.what for deed in read_audit(by=person)][-1:] == ["signed in"]
        assert browser.get(f"{PREFIX}/work-list.csv").status_code == records
        lists_people = browser.get("/auth/users/list/")
        assert ("ada" in lists_people.text.lower()) == (person == "ada")


@pytest.mark.parametrize(
    ("name", "account"),
    [
        (" Stella ", "stella"),
        ("\u017ftella", "\u017ftella"),  # the long s is a letter of its own
        ("stra\u00dfe", "stra\u00dfe"),
        ("Zo\u00cb", "zo\u00eb"),
        ("mi\u212ae", None),  # the sign for kelvin is a k in small letters
    ],
)
def test_name_of_a_token_is_never_the_account_of_another_name(
    name: str, account: str | None
) -> None:
    from carepath.service.sign_in import person_in

    directory = site.Directory.model_validate(
        {"issuer": "https://directory.example", "client_id": CLIENT, "roles": ROLES}
    )
    claims = {"aud": CLIENT, "preferred_username": name}
    if account is None:
        with pytest.raises(SettingsError, match="takes for another one"):
            person_in(claims, directory)
    else:
        assert person_in(claims, directory)["username"] == account


@pytest.mark.parametrize("person", ["nora", "nobody"])
def test_person_without_a_group_sees_nothing(address: str, provider: Provider, person: str) -> None:
    with signed_in(address, provider, person) as (browser, _):
        for path in ("/", "/work-list", "/rules", "/static/desk.css"):
            answer = browser.get(f"{PREFIX}{path}")
            assert answer.status_code == 403
            assert "This account does not have a role of the desk." in answer.text
        assert browser.get("/api/v2/dags").status_code == 403
        assert roles_of(person) == {"Public"}


@pytest.mark.parametrize("person", ["expired", "forged", "elsewhere", "replayed", "issued"])
def test_token_that_is_expired_or_wrong_lets_nobody_in(
    address: str, provider: Provider, person: str
) -> None:
    with signed_in(address, provider, person) as (browser, _):
        assert browser.get(f"{PREFIX}/").status_code == 401
        assert "_token" not in browser.cookies
        assert roles_of(person) == set()


def test_answer_of_another_sign_in_is_refused(address: str, provider: Provider) -> None:
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as browser:
        browser.get("/auth/oauth-authorized/directory?code=made-up&state=made-up")
        assert browser.get(f"{PREFIX}/").status_code == 401


def test_name_of_a_local_account_is_refused(address: str, provider: Provider) -> None:
    with signed_in(address, provider, "local") as (browser, _):
        assert browser.get(f"{PREFIX}/").status_code == 401


def test_account_of_the_directory_has_no_password(address: str, provider: Provider) -> None:
    sign_in(address, provider, "stella")
    for password in ("", "!", "x"):
        answer = httpx.post(
            f"{address}/auth/token", json={"username": "stella", "password": password}, timeout=60
        )
        assert answer.status_code in (400, 401)


def test_person_who_left_a_group_loses_the_role_at_the_next_sign_in(
    address: str, provider: Provider
) -> None:
    sign_in(address, provider, "mo")
    assert "Carepath approver" in roles_of("mo")
    provider.people["mo"] = ["readers"]
    with signed_in(address, provider, "mo") as (browser, _):
        assert roles_of("mo") == {"Carepath viewer", "Public"}
        assert browser.get(f"{PREFIX}/work-list.csv").status_code == 403
    provider.people["mo"] = PEOPLE["mo"]


def test_logs_have_no_secret_and_no_token(address: str, provider: Provider) -> None:
    sign_in(address, provider, "stella")
    text = (get_settings().logs / "airflow" / "api-server.log").read_text()
    assert SECRET not in text
    assert re.search("eyJ[A-Za-z0-9_-]{8}", text) is None  # how every token begins


@pytest.mark.usefixtures("warehouse")
def test_service_does_not_start_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = site.Directory(issuer="https://x.example", client_id="x", roles={"Admin": ("g",)})
    monkeypatch.setattr(configuration, "read_directory", lambda: settings)
    monkeypatch.delenv(site.SECRET, raising=False)
    with pytest.raises(SettingsError, match="The secret of the directory is missing"):
        configuration.check_sign_in()
    monkeypatch.setenv(site.SECRET, "x")
    configuration.check_sign_in()
