"""The certificate that the door shows: the council's own, or one that Carepath makes.

Carepath's own is signed by a root certificate that Carepath also makes. Windows must trust that
root. It is good for the names of this machine only and for servers only, so somebody who steals
its key cannot pretend to be another server.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import socket
import ssl
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from carepath.dates import written
from carepath.errors import SettingsError
from carepath.own_files import locked_folder, replace_file
from carepath.settings import get_settings

DAYS: Final = 730  # clients refuse a certificate that is valid for more than 825 days
AGAIN: Final = "Run `carepath tls --renew`."
ROOT_DAYS: Final = 3650
SOON: Final = dt.timedelta(days=30)
CLOCKS_DIFFER: Final = dt.timedelta(days=1)
NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
# what is on this machine itself, so that it can be tried there
ALWAYS: Final = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Certificate:
    """A certificate that the door can show.

    Attributes:
        file: where it is.
        key: where its key is; for Carepath's own, the same file.
        names: the names and addresses by which clients may reach the door.
        expires: when it ends.
        is_councils: whether the council has brought it.
    """

    file: Path
    key: Path
    names: tuple[str, ...]
    expires: dt.datetime
    is_councils: bool

    @property
    def ends_soon(self) -> bool:
        """Whether it ends within 30 days."""
        return self.expires - SOON < dt.datetime.now(dt.UTC)

    @property
    def is_local(self) -> bool:
        """Whether it has no name but those of this machine for itself."""
        return set(self.names) <= set(ALWAYS)


def folder() -> Path:
    """Return where Carepath keeps the certificates that it makes."""
    return get_settings().home / "tls"


def root_file() -> Path:
    """Return Carepath's root certificate, which Windows must trust."""
    return folder() / "carepath_root.crt"


def wanted_names() -> tuple[str, ...]:
    """Return the names for which Carepath makes a certificate.

    Raises:
        SettingsError: one of them is not a name of a machine.
    """
    set_here = (get_settings().tls_names or "").replace(",", " ").split()
    names = set_here or [socket.getfqdn()]
    for name in names:
        if _address(name) is None and not NAME.fullmatch(name):
            raise SettingsError(
                f"'{name}' is not a name or address of a machine.",
                where="CAREPATH_TLS_NAMES",
                todo="write the names by which readers reach this machine, such as"
                " carepath.council.example.",
            )
    return tuple(dict.fromkeys([*names, *ALWAYS]))


def ready() -> Certificate:
    """Return the certificate of the door. Carepath makes one if it is needed and missing.

    Raises:
        SettingsError: it cannot be used; the message says why.
    """
    if not is_councils() and not files()[0].exists():
        return renew()
    return current()


def files() -> tuple[Path, Path]:
    """Return the files of the certificate and of its key.

    Raises:
        SettingsError: only one of them is set.
    """
    settings = get_settings()
    file, key = settings.tls_certificate, settings.tls_key
    if file is None and key is None:
        own = folder() / "server.pem"  # both in one file, so that both are replaced at once
        return own, own
    if file is None or key is None:
        raise SettingsError(
            "A certificate needs its key, and a key needs its certificate.",
            where="CAREPATH_TLS_CERTIFICATE, CAREPATH_TLS_KEY",
            todo="set both, or neither. Without them, Carepath makes a certificate.",
        )
    return file, key


def is_councils() -> bool:
    """Return whether the council has brought a certificate."""
    return get_settings().tls_certificate is not None or get_settings().tls_key is not None


def current() -> Certificate:
    """Return the certificate of the door, checked.

    Raises:
        SettingsError: it is missing, cannot be read, is not valid now, does not fit its key, or
            others may read the key.
    """
    file, key = files()
    if is_councils():
        return _checked(file, key, "ask the council's IT for a new one.")
    return _checked(file, key, AGAIN)


def context() -> ssl.SSLContext:
    """Return what the door encrypts with: TLS 1.2 or later, and its certificate.

    Raises:
        SettingsError: the certificate cannot be used.
    """
    found = current()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # of TLS 1.2; all of TLS 1.3 are good
    made.set_alpn_protocols(["postgresql"])
    # as PostgreSQL does: a client cannot begin again in the middle, and each one begins anew
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    made.num_tickets = 0
    try:
        made.load_cert_chain(found.file, found.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The certificate cannot be used: {type(error).__name__}.",
            where=str(found.file),
            todo="look at the file, and at the certificates of its issuers that follow it.",
        ) from None
    return made


def _no_password() -> str:
    return ""  # otherwise OpenSSL would ask the terminal for one


def renew() -> Certificate:
    """Make a new certificate and key. The root stays if it is good for the same names.

    Raises:
        SettingsError: the certificate is the council's own, or a name is not one.
    """
    if is_councils():
        raise SettingsError(
            "The certificate is the council's own, so Carepath cannot renew it.",
            where="CAREPATH_TLS_CERTIFICATE",
            todo="replace the files. The door shows the new certificate to the next reader.",
        )
    names = wanted_names()
    with _lock():
        root, root_key = _root(names)
        key = ec.generate_private_key(ec.SECP256R1())
        signed = (
            _builder(names[0], root.subject, key, DAYS)
            .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
                critical=False,
            )
            .sign(root_key, hashes.SHA256())
        )
        replace_file(files()[0], _key_text(key) + _text(signed), 0o600)
    return current()


# Checking -----------------------------------------------------------------------------------------


def _checked(file: Path, key: Path, again: str) -> Certificate:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())[0]
    except OSError as error:
        raise SettingsError(
            f"The certificate cannot be read: {error.strerror}.", where=str(file), todo=again
        ) from None
    except ValueError:
        raise SettingsError(
            "The file has no certificate in PEM format.", where=str(file), todo=again
        ) from None
    _check_key(key, found)
    now = dt.datetime.now(dt.UTC)
    if now > found.not_valid_after_utc:
        ended = written(found.not_valid_after_utc)
        raise SettingsError(f"The certificate expired on {ended}.", where=str(file), todo=again)
    if now < found.not_valid_before_utc:
        begins = written(found.not_valid_before_utc)
        raise SettingsError(
            f"The certificate is not valid before {begins}.",
            where=str(file),
            todo="look at the clock of this machine.",
        )
    return Certificate(file, key, _names(found), found.not_valid_after_utc, is_councils())


def _check_key(file: Path, certificate: x509.Certificate) -> None:
    try:
        about = file.stat()
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(
            f"The key of the certificate cannot be read: {error.strerror}.",
            where=str(file),
            todo="let the account of the service read it, and nobody else.",
        ) from None
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise SettingsError(
            "The file has no key in PEM format without a password.",
            where=str(file),
            todo="write the key into the file without a password.",
        ) from None
    # a group may read a key of root's, as Debian's group ssl-cert does; PostgreSQL allows the same
    others = 0o027 if about.st_uid == 0 else 0o077
    if stat.S_IMODE(about.st_mode) & others:
        raise SettingsError(
            "Other accounts can read the key of the certificate.",
            where=str(file),
            todo=f"run `chmod 600 {file}`.",
        )
    if _public(key) != _public(certificate):
        raise SettingsError(
            "The key does not belong to the certificate.",
            where=str(file),
            todo="name the key with which this certificate was requested.",
        )


def _public(holder: object) -> bytes:
    public = holder.public_key()  # type: ignore[attr-defined]
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(public.public_bytes(serialization.Encoding.DER, form))


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


# Making -------------------------------------------------------------------------------------------


def _root(names: Sequence[str]) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the root with its key; a new one if there is none that is good for the names."""
    key_file = folder() / "carepath_root.key"
    if (kept := _kept_root(key_file, names)) is not None:
        return kept
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Carepath root of {names[0]}"[:64])]
    )
    root = (
        _builder(subject, subject, key, ROOT_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(
            x509.NameConstraints(permitted_subtrees=_constraints(names), excluded_subtrees=None),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    replace_file(key_file, _key_text(key), 0o600)
    replace_file(root_file(), _text(root), 0o644)
    return root, key


def _kept_root(
    key_file: Path, names: Sequence[str]
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """Return the root that there is, if it is good for these names for long enough."""
    try:
        root = x509.load_pem_x509_certificate(root_file().read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        allowed = root.extensions.get_extension_for_class(x509.NameConstraints).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return None
    last = dt.datetime.now(dt.UTC) + dt.timedelta(days=DAYS)
    covers = set(_constraints(names)) <= set(allowed.permitted_subtrees or ())
    if not isinstance(key, ec.EllipticCurvePrivateKey) or _public(key) != _public(root):
        return None
    return (root, key) if covers and root.not_valid_after_utc > last else None


def _builder(
    subject: x509.Name | str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    if isinstance(subject, str):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # of the root too: Windows then trusts it for servers, and not for programs or mail
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    found = [(name, _address(name)) for name in names]
    return [x509.IPAddress(at) if at is not None else x509.DNSName(name) for name, at in found]


def _constraints(names: Sequence[str]) -> list[x509.GeneralName]:
    """Return the names as a root allows them; an address is a network of one machine."""
    found = [(name, _address(name)) for name in names]
    return [
        x509.IPAddress(ip_network(at)) if at is not None else x509.DNSName(name)
        for name, at in found
    ]


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _text(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time make certificates; root leaves the folder to the home's owner."""
    with locked_folder(folder()):
        if os.geteuid() == 0:
            home = get_settings().home.stat()
            os.chown(folder(), home.st_uid, home.st_gid)
        yield
