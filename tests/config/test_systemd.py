"""The units: they parse, they say what the daemon does, and hardening is not lost by accident."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.needs import ROOT, need_program

UNITS = ROOT / "systemd"


def directives(name: str) -> dict[str, list[str]]:
    """Every directive with its values; a unit may repeat one, which configparser would refuse."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (UNITS / name).read_text("utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, equals, value = line.partition("=")
            assert equals, f"{name}: {line}"
            found[key].append(value)
    return found


SERVICE = directives("mailbridge.service")
SOCKET = directives("mailbridge.socket")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "60"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("KillMode", "mixed"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "78"),
        ("User", "mailbridge"),
        ("StateDirectory", "mailbridge"),
        ("RuntimeDirectory", "mailbridge"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("RestrictNamespaces", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("LockPersonality", "yes"),
        ("CapabilityBoundingSet", "CAP_NET_BIND_SERVICE"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ],
)
def test_service(key: str, value: str) -> None:
    assert SERVICE[key] == [value]


def test_stopping_leaves_time_to_drain() -> None:
    from mailbridge.config import Worker

    assert int(SERVICE["TimeoutStopSec"][0]) > Worker().stop_s


def test_each_relaxation_is_explained() -> None:
    text = (UNITS / "mailbridge.service").read_text("utf-8")
    for left_off in ("MemoryDenyWriteExecute", "PrivateUsers", "PrivateNetwork", "IPAddressDeny"):
        assert left_off not in SERVICE
        assert re.search(rf"# Relaxed:[^\n]*{left_off}", text), left_off


def test_socket_goes_by_name() -> None:
    assert SOCKET["ListenStream"] == ["0.0.0.0:25", "[::]:25"]
    assert SOCKET["FileDescriptorName"] == ["smtp"]
    assert SOCKET["Service"] == ["mailbridge.service"]
    assert SERVICE["Also"] == ["mailbridge.socket"]


def test_systemd_takes_them(tmp_path: Path) -> None:
    analyze = need_program("systemd-analyze", "systemd")
    names = ["mailbridge.service", "mailbridge.socket"]
    for name in names:
        text = (UNITS / name).read_text("utf-8")
        text = text.replace("/usr/local/lib/mailbridge/bin/mailbridge", "/bin/true")
        (tmp_path / name).write_text(text, "utf-8")
    done = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", *(str(tmp_path / name) for name in names)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "mailbridge" in line]
    assert (done.returncode, ours) == (0, [])
