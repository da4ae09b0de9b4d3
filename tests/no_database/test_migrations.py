"""The migrations of the warehouse follow one another in one line."""

from __future__ import annotations

from alembic.config import Config
from alembic.script import ScriptDirectory

from carepath.warehouse import migrate


def test_migrations_have_one_head_and_their_numbers_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)

    assert len(scripts.get_heads()) == 1
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions == sorted(revisions)
