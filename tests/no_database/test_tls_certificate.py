"""The certificate of the encrypted door: made, renewed, and checked."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import shutil
import ssl
import stat
from pathlib import Path

import certificates
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rich.console import Console

from carepath import doctor
from carepath.door import certificate
from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.terminal.tls import print_certificate


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with a name for the certificate."""
    settings = get_settings()
    monkeypatch.setattr(settings, "home", tmp_path)
    monkeypatch.setattr(settings, "tls_names", "carepath.council.example 192.0.2.7")
    monkeypatch.setattr(settings, "tls_listen", "127.0.0.1:5432")
    return tmp_path


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate of the council's own, with its key in the same file."""
    file = certificates.of_localhost(tmp_path, days=90)
    file.chmod(0o600)
    monkeypatch.setattr(get_settings(), "tls_certificate", file)
    monkeypatch.setattr(get_settings(), "tls_key", file)
    return file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_first_certificate_has_the_names_and_keys_that_nobody_else_reads(home: Path) -> None:
    made = certificate.ready()
    assert made.names == ("carepath.council.example", "localhost", "192.0.2.7", "127.0.0.1")
    assert not made.is_councils
    assert mode(home / "tls" / "server.pem") == 0o600
    assert mode(home / "tls" / "carepath_root.key") == 0o600
    left = made.expires - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=700) < left < dt.timedelta(days=824)
    assert certificate.ready() == made


def test_root_is_good_for_these_servers_only(home: Path) -> None:
    certificate.ready()
    root = x509.load_pem_x509_certificate(certificate.root_file().read_bytes())
    limits = root.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    allowed = {str(each.value) for each in limits.value.permitted_subtrees or ()}
    assert allowed == {"carepath.council.example", "localhost", "192.0.2.7/32", "127.0.0.1/32"}
    purposes = root.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


@pytest.mark.parametrize(
    ("name", "good"), [("carepath.council.example", True), ("bank.example", False)]
)
def test_stolen_key_of_the_root_is_good_for_no_other_server(
    home: Path, tmp_path: Path, name: str, good: bool
) -> None:
    """OpenSSL checks a certificate that whoever holds the key has signed for another server."""
    certificate.ready()
    root = x509.load_pem_x509_certificate(certificate.root_file().read_bytes())
    root_key = serialization.load_pem_private_key(
        (home / "tls/carepath_root.key").read_bytes(), password=None
    )
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        certificate._builder(name, root.subject, key, 30)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    file = tmp_path / "forged.pem"
    file.write_bytes(certificate._key_text(key) + certificate._text(forged))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cafile=certificate.root_file())
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)

    def shake_hands() -> None:
        for side in (theirs, ours, theirs, ours):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()

    if good:
        shake_hands()
        assert theirs.version() == "TLSv1.3"
    else:
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
            shake_hands()


def test_renewal_keeps_the_root_as_long_as_the_names_are_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate.ready()
    root, own = certificate.root_file().read_bytes(), (home / "tls/server.pem").read_bytes()
    certificate.renew()
    assert certificate.root_file().read_bytes() == root
    assert (home / "tls/server.pem").read_bytes() != own

    monkeypatch.setattr(get_settings(), "tls_names", "another.council.example")
    assert "does not have the name another.council.example" in doctor.encryption().text
    assert certificate.renew().names[0] == "another.council.example"
    assert certificate.root_file().read_bytes() != root
    assert doctor.encryption().well


def test_damaged_root_is_made_again(home: Path) -> None:
    certificate.ready()
    certificate.root_file().write_text("not a certificate")
    assert certificate.renew().names
    assert certificate.root_file().read_bytes().startswith(b"-----BEGIN CERTIFICATE")


def test_name_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "tls_names", "*.council.example")
    with pytest.raises(SettingsError, match="CAREPATH_TLS_NAMES"):
        certificate.renew()


def printed(*, renew: bool = False) -> str:
    out = io.StringIO()
    print_certificate(Console(file=out, width=200), renew=renew)
    return out.getvalue()


def test_command_says_what_windows_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"for Windows: {certificate.root_file()}" in printed()
    assert "Readers connect to: 127.0.0.1:5432" in printed()
    assert "root certificate is new" not in printed(renew=True)
    monkeypatch.setattr(get_settings(), "tls_names", "another.council.example")
    assert "root certificate is new" in printed(renew=True)
    monkeypatch.setattr(get_settings(), "tls_listen", None)
    assert "off (set CAREPATH_TLS_LISTEN" in printed()


def test_certificate_that_only_this_machine_could_use_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(get_settings(), "tls_names", "localhost")
    assert "No other machine knows these names" in printed()
    found = doctor.encryption()
    assert not found.well
    assert "Set CAREPATH_TLS_NAMES" in found.text


def test_command_names_the_councils_certificate(brought: Path) -> None:
    assert f"Certificate: {brought}, the council's own" in printed()
    assert "for Windows" not in printed()


def test_councils_certificate_is_used_and_not_renewed(brought: Path) -> None:
    assert certificate.ready().is_councils
    assert doctor.encryption().well
    with pytest.raises(SettingsError, match="council's own"):
        certificate.renew()


def test_certificate_near_its_end_and_past_it_is_named(brought: Path, tmp_path: Path) -> None:
    certificates.of_localhost(tmp_path, days=20)
    found = doctor.encryption()
    assert not found.well
    assert "valid until" in found.text
    certificates.of_localhost(tmp_path, days=-3)
    with pytest.raises(SettingsError, match="expired on"):
        doctor.encryption()


def test_key_that_others_can_read_is_refused(brought: Path) -> None:
    brought.chmod(0o644)
    with pytest.raises(SettingsError, match="Other accounts can read the key"):
        certificate.current()


def test_key_of_another_certificate_is_refused(
    brought: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copy2(brought, tmp_path / "other.pem")
    certificates.of_localhost(tmp_path)  # with another key
    monkeypatch.setattr(get_settings(), "tls_key", other)
    with pytest.raises(SettingsError, match="does not belong"):
        certificate.current()


@pytest.mark.parametrize(
    ("name", "said"),
    [("tls_certificate", "certificate"), ("tls_key", "key")],
)
def test_certificate_or_key_that_is_missing_or_none_is_refused(
    brought: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setattr(get_settings(), name, tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="cannot be read"):
        certificate.current()
    (tmp_path / "text").write_text("nothing")
    monkeypatch.setattr(get_settings(), name, tmp_path / "text")
    with pytest.raises(SettingsError, match=f"has no {said} in PEM"):
        certificate.current()
    monkeypatch.setattr(get_settings(), name, None)
    with pytest.raises(SettingsError, match="needs its"):
        certificate.current()
