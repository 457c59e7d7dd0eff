"""Run the fuzzer: `python -m tests.fuzz --seconds 600 [--only reply] [--keep FOLDER]`; needs atheris.

Each target runs in a process of its own, for its share of the time, from the seeds and finds kept here. What
breaks a promise is written as a file, and path and exception are printed; then exit 1. Move such a file to
tests/fuzz/finds/TARGET-what-it-showed.bin: from then on the fast tests read it.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.finds import find_files

MAX_LEN = 20_000
TARGET_NAMES = ("message", "charset", "reply", "html", "rtf", "outlook")


def child(target: str, arguments: list[str]) -> None:
    """Fuzz one target in this process. Never comes back: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(
        include=["mailbridge.mail", "mailbridge.policy"], enable_loader_override=False
    ):
        from tests.fuzz.targets import run

    atheris.Setup([sys.argv[0], *arguments], lambda data: run(target, data))
    atheris.Fuzz()


def fuzz(target: str, seconds: int, keep: Path, more: list[Path]) -> bool:
    """Fuzz one target in a process of its own, from more messages too; True where nothing was found."""
    from tests.fuzz.targets import SEEDS, WORDS

    corpus, shown = keep / "corpus" / target, keep / "found"
    corpus.mkdir(parents=True, exist_ok=True)
    shown.mkdir(parents=True, exist_ok=True)
    files = [*find_files(target), *(more if target == "message" else [])]
    seeds = [*SEEDS[target], *(path.read_bytes() for path in files)]
    for number, data in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(data[:MAX_LEN])
    words = keep / "words.dict"
    words.write_text("".join('"' + "".join(f"\\x{b:02x}" for b in word.encode()) + '"\n' for word in WORDS))
    options = [f"-max_total_time={seconds}", f"-max_len={MAX_LEN}", "-timeout=60", "-rss_limit_mb=600"]
    options += [f"-dict={words}", f"-artifact_prefix={shown}/{target}-", "-print_final_stats=1", str(corpus)]
    command = [sys.executable, "-m", "tests.fuzz", "--child", target, *options]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = done.stderr.splitlines()
    runs = next((row.split()[-1] for row in said if "number_of_executed_units" in row), "?")
    sys.stdout.write(f"{target}: {runs} inputs in {seconds} s, exit {done.returncode}\n")
    if done.returncode:
        sys.stdout.write("\n".join([*done.stdout.splitlines()[-25:], *said[-40:]]) + "\n")
    sys.stdout.flush()
    return done.returncode == 0


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--only", choices=TARGET_NAMES, action="append", help="this target (may be repeated)")
    parser.add_argument("--keep", type=Path, help="folder for what the fuzzer learns; else thrown away")
    parser.add_argument("--seeds", type=Path, help="folder with more messages (*.eml) to begin with")
    chosen = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("the fuzzer needs atheris: pip install 'mailbridge[fuzz]'\n")
        return 69
    targets = chosen.only or TARGET_NAMES
    share = max(1, chosen.seconds // len(targets))
    with tempfile.TemporaryDirectory() as scratch:
        keep = chosen.keep or Path(scratch)
        more = sorted(chosen.seeds.rglob("*.eml")) if chosen.seeds else []
        fine = [fuzz(target, share, keep, more) for target in targets]
        found = sorted((keep / "found").iterdir())
        for path in found:
            kept = Path(tempfile.gettempdir()) / f"mailbridge-fuzz-{path.name}"
            kept.write_bytes(path.read_bytes())
            sys.stdout.write(f"found: {kept}\n")
    return 0 if all(fine) and not found else 1


if __name__ == "__main__":
    raise SystemExit(main())
