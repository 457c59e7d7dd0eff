"""Where policies come from: the five that ship with the package, or a file of the site's own.

Promises: a shipped policy is read once and kept, as it cannot change; a file is read anew each time, so that
a reload sees what the admin has written.

Fails: NotFound where there is no such name or file, naming what ships; ConfigInvalid, with every problem,
where a file is not a policy.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from mailbridge.errors import ConfigInvalid, NotFound, Problem
from mailbridge.model.policy import Policy
from mailbridge.policy.inifile import MAX_BYTES, read_ini

_SHIPPED = ("mekorma", "memsource", "gotomyerp", "standard-enterprise", "tekstack")


def shipped() -> tuple[str, ...]:
    """Names of the policies that ship with the package."""
    return _SHIPPED


def shipped_text(name: str) -> str:
    """The text of a shipped policy file, to read or to start one's own from. Raises NotFound."""
    if name not in _SHIPPED:
        raise NotFound(f"no policy {name!r} ships with mailbridge; these do: {', '.join(_SHIPPED)}")
    return files("mailbridge.policy").joinpath("files", f"{name}.ini").read_text(encoding="utf-8")


@lru_cache(maxsize=len(_SHIPPED))
def _load_shipped(name: str) -> Policy:
    from mailbridge.policy.policyfile import parse_policy

    return parse_policy(shipped_text(name), f"{name}.ini")


def load_policy(name_or_path: str) -> Policy:
    """A shipped policy by name in any case, else the policy file at the path.

    Raises NotFound and ConfigInvalid.
    """
    wanted = name_or_path.strip()
    if wanted.lower() in _SHIPPED:
        return _load_shipped(wanted.lower())
    from mailbridge.policy.policyfile import parse_policy

    return parse_policy(_read(wanted), wanted)


def zone_of(name_or_path: str, source: str) -> str:
    """The zone of the calendar of the policy that the site configuration names. Raises ConfigInvalid.

    A list of cases tells times and nothing else of a policy: to judge the whole file would be most of its
    time. It is judged only where the zone cannot be had without.
    """
    wanted = name_or_path.strip()
    try:
        text = shipped_text(wanted.lower()) if wanted.lower() in _SHIPPED else _read(wanted)
    except NotFound:
        text = ""
    sections, problems = read_ini(text, wanted)
    calendar = sections.get("policy", {}).get("calendar", "").strip().lower()
    zone = sections.get(f"calendar {calendar}", {}).get("zone", "").strip()
    if problems or not _is_zone(zone):
        policy = configured_policy(name_or_path, source)
        return policy.calendars[policy.calendar].zone.key
    return zone


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (ValueError, KeyError, OSError):
        return False


def configured_policy(name_or_path: str, source: str) -> Policy:
    """The policy that the site configuration names. Raises ConfigInvalid, also where it is not there."""
    try:
        return load_policy(name_or_path)
    except NotFound as error:
        raise ConfigInvalid([Problem(source, "site", "policy", str(error))]) from None


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        raise NotFound(
            f"no policy {path!r}: neither a file nor one that ships ({', '.join(_SHIPPED)})"
        ) from None
    except OSError as error:
        raise ConfigInvalid([Problem(path, "", "", f"cannot be read: {error.strerror}")]) from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigInvalid([Problem(path, "", "", f"not UTF-8 at byte {error.start}")]) from None
