"""What is wrong with a settings file in YAML, as an error that names the file and the setting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from pydantic import ValidationError

from carepath.errors import SettingsError


@contextmanager
def named_by_file(name: str, todo: str) -> Iterator[None]:
    """Say which file and setting is wrong when the block reads or validates a settings file.

    Raises:
        SettingsError: the file is not YAML, or its first invalid setting.
    """
    where = f"site/{name}"
    try:
        yield
    except (yaml.YAMLError, UnicodeDecodeError):
        raise SettingsError("The file cannot be read as YAML.", where=where, todo=todo) from None
    except ValidationError as error:
        place = ", ".join(str(part) for part in error.errors()[0]["loc"])
        raise SettingsError(f"The setting {place} is not valid.", where=where, todo=todo) from None
