"""Downloads over http(s) that survive a broken line: resumed by Range, tried again, with progress.

download() promises the whole file under the given path, or ModelError with one sentence and what has come so
far kept for the next try. A server's file that changed meanwhile is begun anew (If-Range with its ETag).
Nothing but http and https is opened, whatever a redirection says.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from transcription.errors import ModelError

_READ = 1 << 18
_TIMEOUT_S = 30.0
_TRIES = 5  # without any progress; each byte begins the count anew
_MOST = 16 * 1024**3


def download(
    url: str, target: Path, progress: Callable[[int, int], None] | None = None, timeout_s: float = _TIMEOUT_S
) -> Path:
    """Fetch url into target, going on where an earlier call broke off. timeout_s is of each read."""
    if not url.startswith(("http://", "https://")):
        raise ModelError(f"{url} is no http or https address")
    tries, reason = 0, ""
    while tries < _TRIES:
        before = target.stat().st_size if target.exists() else 0
        try:
            if _once(url, target, progress, timeout_s):
                return target
            reason = "the line broke off"
        except urllib.error.HTTPError as error:
            if error.code == 416 and before:  # longer than the server's file: not the same file
                forget(target)
            elif error.code < 500 and error.code != 429:
                raise ModelError(f"{url} cannot be had: {error.code} {error.reason}") from error
            reason = f"{error.code} {error.reason}"
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        grown = target.exists() and target.stat().st_size > before
        tries = 0 if grown else tries + 1
    raise ModelError(f"{url} cannot be downloaded: {reason}; the same command goes on from where it stopped")


def forget(target: Path) -> None:
    """Remove a partial download and what is noted of it."""
    target.unlink(missing_ok=True)
    _note(target).unlink(missing_ok=True)


def _note(target: Path) -> Path:
    return target.with_name(target.name + ".json")


def _once(url: str, target: Path, progress: Callable[[int, int], None] | None, timeout_s: float) -> bool:
    """One request; whether the file is now whole."""
    have = target.stat().st_size if target.exists() else 0
    tag = _tag(target, url) if have else ""
    headers = {"User-Agent": "mailbridge", "Accept-Encoding": "identity"}
    if have and tag:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - scheme checked by download
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        )
        if not resumed:
            have = 0
        length = int(answer.headers.get("Content-Length") or 0)
        total = have + length if length else 0
        if total > _MOST:
            raise ModelError(f"{url} has {total} bytes, too many for a speech model")
        note = {"url": url, "tag": answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""}
        _note(target).write_text(json.dumps(note))
        with target.open("ab" if resumed else "wb") as file:
            while piece := answer.read(_READ):
                file.write(piece)
                have += len(piece)
                if have > _MOST:
                    raise ModelError(f"{url} has too many bytes for a speech model")
                if progress:
                    progress(have, total)
    return have == total or not total


def _tag(target: Path, url: str) -> str:
    try:
        note = json.loads(_note(target).read_text())
    except (OSError, ValueError):
        return ""
    # RFC 9110 section 13.1.5: a weak tag is no proof that bytes are the same.
    tag = str(note.get("tag", ""))
    return tag if note.get("url") == url and not tag.startswith("W/") else ""
