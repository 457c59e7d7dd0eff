"""`python -m mailbridge` is the command mailbridge."""

from mailbridge.cli.main import run

run()
