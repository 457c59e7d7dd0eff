"""Every command explains itself: --help works without a configuration, in whole sentences, with exit 0."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from mailbridge.cli.main import COMMANDS, execute, load_command


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command and of every command of a group."""
    for name in COMMANDS:
        yield (name,)
        command = load_command(name)
        if isinstance(command, click.Group):
            yield from ((name, each) for each in command.list_commands(click.Context(command)))


ALL = list(commands())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_says_what_it_does_and_explains_each_option(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    usage, _, rest = out.partition("\n\n")
    assert usage.startswith(f"Usage: mailbridge {' '.join(words)} ")
    assert rest.strip()[0].isupper()
    assert "..." not in rest.partition("\nCommands:\n")[2], "a sentence is cut"


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_option_and_its_json_are_explained(words: tuple[str, ...]) -> None:
    command = load_command(words[0])
    for word in words[1:]:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not (option.help or option.show_default)] == []


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_an_unknown_option_is_one_sentence_and_64(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*words, "--no-such-option"]) == 64
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("mailbridge: ")
    assert f"mailbridge {' '.join(words)} --help" in line
