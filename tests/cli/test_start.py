"""A command that looks at cases starts quickly: it loads nothing that only deciding needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.admin import Admin

HEAVY = ("alembic", "babel", "holidays", "jinja2", "mailbridge.mail.parse", "mailparser", "phonenumbers")
ASK = """
import json, sys
from mailbridge.cli.main import run
try:
    run()
finally:
    print(json.dumps([name for name in %r if name in sys.modules]), file=sys.stderr)
"""


def test_a_list_of_cases_needs_no_parser_policy_or_template(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASK % (HEAVY,), "-c", str(Admin(tmp_path).config), "case", "list"]
    for loaded in (["alembic"], []):  # the first run makes the database
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stderr.splitlines()[-1])
        assert done.stdout == "No cases.\n"
        assert found == loaded
