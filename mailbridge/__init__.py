"""mailbridge: support mail and voicemail in, cases and kept promises out."""

__version__ = "0.1.0"
