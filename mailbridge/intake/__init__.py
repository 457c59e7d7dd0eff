"""Ways in. An intake checks size and recipient, stores the raw bytes, commits, and only then answers."""
