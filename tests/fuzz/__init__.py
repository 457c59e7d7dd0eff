"""Coverage-guided fuzzing of what reads mail; `python -m tests.fuzz --seconds 600` runs it."""
