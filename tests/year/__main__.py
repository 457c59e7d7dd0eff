"""`python -m tests.year`: see run.py."""

from tests.year.run import main

if __name__ == "__main__":
    raise SystemExit(main())
