"""The commands that do something, through the groups that hold them."""

from __future__ import annotations

import click

from raysearch.cli import group


def leaves(parent: click.Group = group, prefix: str = "") -> dict[str, click.Command]:
    """Return every command that is no group, by its full name, such as ``bench restore``."""
    found: dict[str, click.Command] = {}
    context = click.Context(parent)
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        assert command is not None, name
        assert command.help, f"{prefix}{name} has no help"
        found |= leaves(command, f"{prefix}{name} ") if isinstance(command, click.Group) else {prefix + name: command}
    return found


def named(words: list[str]) -> tuple[str, list[str]]:
    """Split a command line into the full name of its command and the arguments.

    Raises:
        StopIteration: the words name no command.
    """
    name = next(name for name in leaves() if words[: name.count(" ") + 1] == name.split())
    return name, words[name.count(" ") + 1 :]
