"""Commands: what an admin or staff member types. Each prints for a person, or JSON with --json."""
