"""What can fail in transcription, as a tree. Each error is one sentence for a person.

TranscriptionError
+-- AudioUnreadable      the recording itself is no audio, or none that can be read: trying again is useless
+-- ModelError           the model is missing, damaged or does not fit
|   +-- ModelUnverified  its checksum is not the one that was asked for
+-- TranscriberFailed    the process that did the work failed: worth another try
|   +-- TranscriberTimeout  it hung, was killed and replaced
|   +-- TranscriberCrashed  it died, and was replaced
+-- PoolClosed           the pool no longer takes recordings
"""

from __future__ import annotations


class TranscriptionError(Exception):
    """Root of what transcription foresees."""


class AudioUnreadable(TranscriptionError):  # noqa: N818 - the name is the verdict
    """The bytes are no audio that can be decoded."""


class ModelError(TranscriptionError):
    """A speech model is missing, damaged or unsuitable."""


class ModelUnverified(ModelError):  # noqa: N818
    """A model archive does not have the promised checksum."""


class TranscriberFailed(TranscriptionError):  # noqa: N818
    """The transcribing process failed; the recording may be fine."""


class TranscriberTimeout(TranscriberFailed):
    """The process took longer than allowed, was killed and replaced."""


class TranscriberCrashed(TranscriberFailed):
    """The process died while it had the recording; it was replaced."""


class PoolClosed(TranscriptionError):  # noqa: N818
    """The pool is closing and takes no more recordings."""
