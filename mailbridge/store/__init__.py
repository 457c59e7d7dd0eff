"""The only SQL: what must survive a power cut is a row here."""
