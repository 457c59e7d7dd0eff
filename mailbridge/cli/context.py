"""What every command gets as ctx.obj: the configuration and the policy, read when they are asked for.

What it promises: a command that needs neither runs without them; each is read once.
How it fails: ConfigInvalid (exit 78) that names the path and the ways to give another; NotFound for a policy.
"""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailbridge.errors import ConfigInvalid, MailbridgeError, Problem

if TYPE_CHECKING:
    from mailbridge.config import Config
    from mailbridge.model.policy import Policy

DEFAULT_PATH = Path("/etc/mailbridge/config.ini")
VARIABLE = "MAILBRIDGE_CONFIG"


class Context:
    """Global options, and what is read by them on demand."""

    def __init__(
        self, config_path: Path | None = None, verbose: int = 0, config: Config | None = None
    ) -> None:
        self._given = config_path
        self.verbose = verbose
        self._config = config

    @property
    def config_path(self) -> Path:
        """--config, else $MAILBRIDGE_CONFIG, else /etc/mailbridge/config.ini."""
        return self._given or Path(os.environ.get(VARIABLE) or DEFAULT_PATH)

    @property
    def has_config(self) -> bool:
        """Whether there is a configuration to read: one was named, or the default file exists."""
        return bool(self._config or self._given or os.environ.get(VARIABLE)) or DEFAULT_PATH.exists()

    def config(self) -> Config:
        """The site configuration. Raises ConfigInvalid."""
        if self._config is None:
            from mailbridge.config import load_config

            if not self.config_path.exists():
                raise ConfigInvalid([self._missing()])
            self._config = load_config(self.config_path)
        return self._config

    def policy(self, name: str | None = None) -> Policy:
        """The policy of that name or path, which needs no configuration; else the site's.

        Raises NotFound or ConfigInvalid.
        """
        from mailbridge.policy.library import configured_policy, load_policy

        if name:
            return load_policy(name)
        config = self.config()
        return configured_policy(config.site.policy, config.source)

    def zone(self) -> tzinfo:
        """The zone of times for people: [site] zone, else that of the policy's calendar.

        UTC where the policy cannot be read: the queue must be seen then too. Raises ConfigInvalid.
        """
        from zoneinfo import ZoneInfo

        name = self.config().site.zone
        try:
            policy = None if name else self.policy()
        except MailbridgeError:
            return UTC
        return ZoneInfo(name or (policy.calendars[policy.calendar].zone.key if policy else "UTC"))

    def _missing(self) -> Problem:
        ways = f"give one with --config FILE or ${VARIABLE}, or put it at {DEFAULT_PATH}"
        return Problem(str(self.config_path), "", "", f"there is no such file; {ways}")


pass_context = click.make_pass_decorator(Context, ensure=True)
