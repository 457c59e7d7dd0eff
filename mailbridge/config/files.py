"""What the files that a configuration names look like: certificate, secrets, folders, models.

What it promises: file_problems() looks at all of them and tells everything that is wrong; it changes nothing.
`mailbridge check` and the daemon's start use it. How it fails: never; each trouble is a Problem.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mailbridge.config import Config
from mailbridge.config.credentials import password, section_name
from mailbridge.errors import ConfigInvalid, Problem

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

EXPIRES_SOON = timedelta(days=14)
_MODEL_PARTS = ("am", "conf", "final.mdl", "mfcc.conf")  # one of them lies in every Vosk model, old or new


Trouble = tuple[str, str, str]


def file_problems(config: Config, now: datetime) -> list[Problem]:
    """Everything wrong with the files that the configuration names, at the instant now (aware)."""
    told = [
        *_state(config),
        *_certificate(config, now),
        *_secrets(config),
        *_folders(config),
        *_models(config),
    ]
    return [Problem(config.source, section, key, message) for section, key, message in told]


def file_warnings(config: Config, now: datetime) -> list[Problem]:
    """What works today and should be mended all the same."""
    told = [*_expires_soon(config, now), *_no_model(config), *_no_judge(config), *_any_judge(config)]
    told += _open_to_all(config)
    return [Problem(config.source, section, key, message) for section, key, message in told]


def _state(config: Config) -> Iterator[Trouble]:
    """state need not be there yet, but it must be possible to make it and to write in it."""
    places = {"state": config.site.state}
    if config.store.file is not None:
        places["url"] = config.store.file.parent
    for key, folder in places.items():
        there = _nearest(folder)
        section = "site" if key == "state" else "store"
        if not there.is_dir():
            yield section, key, f"{there} is no folder"
        elif not os.access(there, os.W_OK | os.X_OK):
            what = "is not writable" if there == folder else f"cannot be made: {there} is not writable"
            yield section, key, f"{folder} {what} for this user"
    file = config.store.file
    if file is not None and file.exists() and not os.access(file, os.W_OK):
        yield "store", "url", f"{file} is not writable for this user"


def _nearest(folder: Path) -> Path:
    """The folder, or the first above it that exists."""
    return next((place for place in (folder, *folder.parents) if place.exists()), folder)


def _certificate(config: Config, now: datetime) -> Iterator[Trouble]:
    if config.smtp is None or config.smtp.cert is None:
        return
    trouble = _unreadable(config.smtp.cert) or (config.smtp.key and _unreadable(config.smtp.key))
    if trouble:
        yield "smtp", "cert", trouble
        return
    try:
        # the empty password: an encrypted key must fail here, not stop at a prompt
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config.smtp.cert, config.smtp.key, password="")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        yield "smtp", "cert", f"{config.smtp.cert}: certificate and key cannot be used together: {reason}"
        return
    yield from _dates(config.smtp.cert, now)


def _dates(cert: Path, now: datetime) -> Iterator[Trouble]:
    try:
        found = _load(cert)
    except (OSError, ValueError) as error:
        yield "smtp", "cert", f"{cert}: {error}"
        return
    until = found.not_valid_after_utc
    if now > until:
        yield "smtp", "cert", f"{cert} has expired on {until:%Y-%m-%d}"
    elif now < found.not_valid_before_utc:
        yield "smtp", "cert", f"{cert} is valid only from {found.not_valid_before_utc:%Y-%m-%d} on"


def _load(cert: Path) -> Certificate:
    """The first certificate of the file. Raises OSError or ValueError."""
    from cryptography.x509 import load_pem_x509_certificates

    return load_pem_x509_certificates(cert.read_bytes())[0]


def _expires_soon(config: Config, now: datetime) -> Iterator[Trouble]:
    if config.smtp is None or config.smtp.cert is None:
        return
    with contextlib.suppress(OSError, ValueError):  # told by file_problems
        until = _load(config.smtp.cert).not_valid_after_utc
        if now <= until < now + EXPIRES_SOON:
            yield "smtp", "cert", f"{config.smtp.cert} expires on {until:%Y-%m-%d}: renew it now"


def _open_to_all(config: Config) -> Iterator[Trouble]:
    for login in (*config.imap, *([config.relay] if config.relay else [])):
        path = login.password_file
        with contextlib.suppress(OSError):
            if path is not None and stat.S_IMODE(path.stat().st_mode) & 0o007:
                yield section_name(login), "password_file", f"{path} is open to everybody; chmod 640 mends it"


def _unreadable(path: Path) -> str:
    if not path.is_file():
        return f"{path} is no file" if path.exists() else f"{path}: there is no such file"
    return "" if os.access(path, os.R_OK) else f"{path} is not readable for this user"


def _secrets(config: Config) -> Iterator[Trouble]:
    for login in (*config.imap, *([config.relay] if config.relay else [])):
        section = section_name(login)
        try:
            password(login, config.source)
        except ConfigInvalid as error:
            yield from ((found.section, found.key, found.message) for found in error.problems)
        if login.ca is not None and _unreadable(login.ca):
            yield section, "ca", _unreadable(login.ca)
        if login.token_command and not os.access(login.token_command[0], os.X_OK):
            yield section, "token_command", f"{login.token_command[0]} is no program that this user may run"
    yield from _logins(config)


def _logins(config: Config) -> Iterator[Trouble]:
    if config.smtp is None or config.smtp.logins is None:
        return
    from mailbridge.intake.logins import read_logins

    try:
        read_logins(config.smtp.logins)
    except ConfigInvalid as error:
        for found in error.problems:
            yield "smtp", "logins", f"{found.source} {found.message}"


def _folders(config: Config) -> Iterator[Trouble]:
    places = [("site", "templates", config.site.templates)]
    if config.voicemail is not None:
        places += [("voicemail", key, getattr(config.voicemail, key)) for key in ("spool", "spool_move_to")]
    for section, key, folder in places:
        if folder is not None and not folder.is_dir():
            yield section, key, f"{folder}: there is no such folder"
    for endpoint in config.lmtp.listen if config.lmtp else ():
        # the folder of a socket in /run is made by systemd when the service starts
        if endpoint.path is not None and not _nearest(endpoint.path.parent).is_dir():
            yield "lmtp", "listen", f"{endpoint.path.parent} is no folder"


NO_MODEL = (
    "names no speech model: recordings stay on their cases and are not transcribed; get one by"
    " `mailbridge model install vosk-model-small-en-us-0.15`, name it here and reload;"
    " `mailbridge case retranscribe --since DATE` hears those that came before"
)


def _no_judge(config: Config) -> Iterator[Trouble]:
    """A link is fetched only for a sender whose DKIM our own server found to be right."""
    if config.voicemail is not None and config.voicemail.link_senders and not config.site.trusted_authserv:
        yield (
            "voicemail",
            "link_senders",
            "no link is fetched while [site] trusted_authserv is empty: nobody says whose DKIM is right",
        )


def _any_judge(config: Config) -> Iterator[Trouble]:
    """Whoever speaks to us directly can write a verdict in our own server's name into his mail."""
    reached = config.smtp is not None and any(not place.of_this_machine for place in config.smtp.listen)
    links = config.voicemail is not None and bool(config.voicemail.link_senders)
    if reached and config.site.trusted_authserv and (links or "dkim" in config.site.staff_proof):
        what = "links of link_senders are fetched" if links else "staff are known"
        where = "listen on 127.0.0.1 behind the server that it names, or let a firewall admit that one alone"
        told = f"{what} by a header that anybody who reaches [smtp] listen directly can forge: {where}"
        yield "site", "trusted_authserv", told


def _no_model(config: Config) -> Iterator[Trouble]:
    if config.voicemail is not None and config.voicemail.model is None and not config.voicemail.models:
        yield "voicemail", "model", NO_MODEL


def _models(config: Config) -> Iterator[Trouble]:
    if config.voicemail is None:
        return
    named = [("model", config.voicemail.model), *(("models", path) for _, path in config.voicemail.models)]
    for key, model in named:
        if model is None:
            continue
        if not model.is_dir():
            get = "`mailbridge model path NAME` says where one lies, `mailbridge model install NAME` gets it"
            yield "voicemail", key, f"{model}: there is no such folder; {get}"
        elif not any((model / part).exists() for part in _MODEL_PARTS):
            yield "voicemail", key, f"{model} is no Vosk model: neither am nor conf lies in it"
