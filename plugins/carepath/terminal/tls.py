"""`carepath tls`: the certificate of the encrypted door, and what Windows needs."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from carepath.dates import written
from carepath.door import certificate
from carepath.settings import get_settings


def print_certificate(console: Console, *, renew: bool) -> None:
    """Print where readers connect, for which names, until when, and the file for Windows.

    Args:
        console: where to print.
        renew: whether to make a new certificate first.

    Raises:
        SettingsError: the certificate cannot be used, or is not Carepath's to renew.
    """
    root = certificate.root_file()
    before = _bytes_of(root)
    found = certificate.renew() if renew else certificate.ready()
    listen = get_settings().tls_listen
    off = "off (set CAREPATH_TLS_LISTEN, such as 0.0.0.0:5432)"
    kind = "the council's own" if found.is_councils else "made by Carepath"
    lines = (
        ("Readers connect to", listen or off),
        ("Certificate", f"{found.file}, {kind}"),
        ("Names", ", ".join(found.names)),
        ("Valid until", written(found.expires)),
    )
    for what, text in lines:
        console.print(f"{what}: {text}", soft_wrap=True, markup=False)
    if found.is_councils:
        console.print("Windows must trust its issuer: ask the council's IT whether it does.")
        return
    console.print(f"Root certificate, for Windows: {root}", soft_wrap=True, markup=False)
    if found.is_local:
        console.print(
            "No other machine knows these names. Set CAREPATH_TLS_NAMES, then run"
            " `carepath tls --renew`."
        )
    if before and before != _bytes_of(root):
        console.print(
            "The root certificate is new, because the names have changed or the old one was near"
            " its end. Give it to each Windows machine again."
        )


def _bytes_of(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
