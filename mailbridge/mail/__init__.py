"""Bytes to data and back, pure: parse, headers, body, bounce, compose."""
