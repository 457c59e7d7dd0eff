"""For the admin: health, explain, simulate, check."""
