"""Say in one line what a night that was not published needs from a person.

The line goes to the log of the service, to the note of the run on Airflow's pages and, by
apprise, to every address that is set: e-mail, Microsoft Teams, Slack, any webhook. It names
rules, tables and counts, never a value of a record.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Sequence
from urllib.parse import quote

import tenacity
from apprise import Apprise, NotifyType

from carepath.dates import written
from carepath.errors import SettingsError
from carepath.logs import service_log
from carepath.quality.log import people_left_out
from carepath.service import metadata
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

log = logging.getLogger(__name__)

# apprise quotes whole addresses, passwords included, when it cannot read or reach one
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)


def alert(run_id: str) -> str:
    """Log, note and send the line of a night that was not published.

    Returns:
        The line.
    """
    line = _line(run_id)
    log.error(line)
    service_log().error(line, run_id=run_id)
    metadata.note_run(run_id, line)
    send("Carepath: a night was not published", f"{line}\n\n{_link(run_id)}")
    return line


def note_published(run_id: str) -> None:
    """Note on Airflow's pages which night the run published."""
    with connect("carepath_loader") as connection:
        row = connection.execute(
            "select night from ops.runs where run_id = %s", (run_id,)
        ).fetchone()
        left_out = people_left_out(connection, run_id)
    if row is not None:
        line = f"The night of {written(row[0])} was published."
        if left_out:
            people = "1 young person" if left_out == 1 else f"{left_out:,} young people"
            line = (
                f"The night of {written(row[0])} was published with records of {people} left out. "
                "The work list says which and why."
            )
        metadata.note_run(run_id, line)
        service_log().info(line, run_id=run_id)


def send(
    title: str,
    body: str,
    *,
    to: Sequence[str] | None = None,
    kind: NotifyType = NotifyType.FAILURE,
) -> bool:
    """Send a message to every address.

    Args:
        title: the subject of an e-mail.
        body: the text.
        to: apprise addresses; by default those that are set for alerts.
        kind: how the channel marks the message.

    Returns:
        Whether all of them accepted it. The log names an address that did not, without its
        secrets. The others still get the message.
    """
    reached = True
    for number, address in enumerate(addresses() if to is None else to, start=1):
        channel = Apprise()
        scheme = address.partition(":")[0]
        if not channel.add(address):
            log.error("Alert address %d (%s) is not an apprise address.", number, scheme)
        elif not _delivered(channel, title, body, kind):
            log.error("Alert address %d (%s) did not accept the alert.", number, scheme)
        else:
            continue
        reached = False
    return reached


def addresses() -> list[str]:
    """Return the apprise addresses of the environment and of `<home>/alert_urls`.

    Raises:
        SettingsError: other accounts of the machine may read the file.
    """
    settings = get_settings()
    found = settings.alert_urls.get_secret_value().split() if settings.alert_urls else []
    file = settings.alert_urls_file
    if file.exists():
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsError(
                "Other accounts can read the alert addresses, which contain passwords.",
                where=str(file),
                todo=f"run `chmod 600 {file}`.",
            )
        lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
        found += [line for line in lines if line and not line.startswith("#")]
    return found


@tenacity.retry(
    stop=tenacity.stop_after_attempt(2),
    wait=tenacity.wait_fixed(2),
    retry=tenacity.retry_if_result(lambda delivered: not delivered),
    retry_error_callback=lambda _: False,
)
def _delivered(channel: Apprise, title: str, body: str, kind: NotifyType) -> bool:
    return bool(channel.notify(body=body, title=title, notify_type=kind))


def _line(run_id: str) -> str:
    with connect("carepath_loader") as connection:
        row = connection.execute(
            "select night, state, message from ops.runs where run_id = %s", (run_id,)
        ).fetchone()
    if row is None:
        reason = metadata.first_task_note(run_id) or metadata.NO_REASON
        return f"Carepath: a night failed before it began. {reason}"
    night, state, message = row
    todo = message or "What to do: run `carepath status` and read the log of the failed task."
    return f"Carepath: the night of {written(night)} was not published ({state}). {todo}"


def _link(run_id: str) -> str:
    pages = get_settings().pages_url
    return f"{pages}/dags/{metadata.DAG_ID}/runs/{quote(run_id, safe='')}"
