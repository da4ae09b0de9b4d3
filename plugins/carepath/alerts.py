"""Tell a person, in one line, what a night that did not publish needs of them."""

from __future__ import annotations

import logging
import smtplib
from email.message import EmailMessage

from carepath.settings import get_settings
from carepath.warehouse.connect import connect

log = logging.getLogger(__name__)


def tell(run_id: str) -> str:
    """Log the line that the night left in ops.runs and, if an address is configured, e-mail it.

    The line names rules, tables and counts, never a value of a record.

    Returns:
        The line.
    """
    with connect("carepath_loader") as connection:
        row = connection.execute(
            "select night, state, message from ops.runs where run_id = %s", (run_id,)
        ).fetchone()
    if row is None:
        line = (
            "Carepath: a night failed before it began. "
            "What to do: read the log of the task `plan` and run `carepath doctor`."
        )
    else:
        night, state, message = row
        line = f"Carepath: the night of {night:%d %B %Y} was not published ({state}). "
        line += message or "What to do: run `carepath status` and read the log of the failed task."
    log.error(line)
    settings = get_settings()
    if settings.alert_email and settings.smtp_host:
        mail = EmailMessage()
        mail["Subject"] = line[:120]
        mail["From"] = settings.alert_from
        mail["To"] = settings.alert_email
        mail.set_content(line)
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=30) as smtp:
            smtp.send_message(mail)
    return line
