"""Frozen data shared by all rooms. Imports nothing of mailbridge."""
