"""An admin at a shell of a site of one's own: commands run in this process, with exit code and output."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from mailbridge.cli.main import execute
from mailbridge.model.envelope import Envelope
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.migrate import upgrade

CONFIG = """[site]
name = Example Support
support = support@desk.example
escalation = escalation@desk.example
staff = ann@desk.example
policy = gotomyerp
state = {state}
{more}
"""


class Admin:
    """One site in a folder."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.config = folder / "config.ini"
        self.config.write_text(CONFIG.format(state=folder / "state", more=more))
        self.database = folder / "state" / "mailbridge.db"

    def file(self, name: str, content: str | bytes) -> str:
        """A file in the folder; its path."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code and standard output of one command."""
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with contextlib.redirect_stdout(out):
            code = execute(["-c", str(self.config), *words])
        out.flush()
        buffer = out.buffer
        assert isinstance(buffer, io.BytesIO)
        return code, buffer.getvalue().decode()

    def store(self) -> Store:
        """The site's store, migrated. Close it."""
        self.database.parent.mkdir(exist_ok=True)
        store = Store(f"sqlite:///{self.database}")
        upgrade(store)
        return store

    def put(self, envelope: Envelope, raw: bytes) -> int:
        """Store one message; its id."""
        store = self.store()
        stored = Inbox(store).put_batch([(envelope, raw)])[0]
        store.close()
        return stored.message_id
