"""The command line: reads argv, loads settings, calls a command, and turns errors into words and an exit code.

Exit codes: 0 fine, 1 failed, 2 wrong usage. An error says what happened, what was kept safe and what to do; never a traceback.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from isocenter import __version__, logs, tenants
from isocenter.commands import COMMANDS
from isocenter.domain.errors import IsocenterError
from isocenter.preflight import CannotServe
from isocenter.settings import SETTINGS, Loaded, SettingsError, load

FINE, FAILED, USAGE = 0, 1, 2
OF_THE_SERVER = frozenset({"dicom", "hl7", "serve", "settings", "version", "web", "worker"})  # and of no institution alone


class Parser(argparse.ArgumentParser):
    """argparse with our words: one line on what is wrong, one on where help is."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        print(f"isocenter: {message}\n  to do: {self.prog} --help", file=sys.stderr)
        sys.exit(USAGE)


def parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The command line; every command takes every setting as an option. Only the command that argv names is imported."""
    options = Parser(add_help=False)
    group = options.add_argument_group("settings", "each also ISOCENTER_NAME in the environment and a key of the TOML file")
    for row in SETTINGS:
        text = row.help.replace("%", "%%") + (f" (default {row.show(row.default)})" if row.show(row.default) else "")
        metavar = "|".join(row.choices) if row.choices else row.metavar or row.type.__name__.upper()
        switch: dict[str, Any] = {"nargs": "?", "const": "true"} if row.type is bool else {}
        group.add_argument(row.option, dest=f"setting_{row.name}", default=argparse.SUPPRESS, metavar=metavar, help=text,
                           **switch)
    top = Parser(prog="isocenter", description="Isocenter: a complete open-source PACS.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"isocenter {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        text = command.help[0].upper() + command.help[1:] + "."
        sub = commands.add_parser(command.name, parents=[options], help=command.help, description=text, allow_abbrev=False)
        if command.name in argv:
            command.arguments(sub)
            sub.set_defaults(run=command.run)
    return top


def given_settings(arguments: argparse.Namespace) -> dict[str, str]:
    """Those settings that were options of this call: name -> text."""
    prefix = "setting_"
    return {name.removeprefix(prefix): text for name, text in vars(arguments).items() if name.startswith(prefix)}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """argv as arguments; an unknown option is an error that names the nearest. Exits with code 2."""
    top = parser(argv)
    first = next((word for word in argv if not word.startswith("-")), "")
    if first and first not in {command.name for command in COMMANDS}:
        near = difflib.get_close_matches(first, [command.name for command in COMMANDS], n=1)
        top.error(f"there is no command {first}" + (f"; did you mean {near[0]}?" if near else ""))
    arguments, unknown = top.parse_known_args(list(argv))
    if unknown:
        known = [row.option for row in SETTINGS] + ["--json", "--help"]
        option = unknown[0].split("=")[0]
        near = difflib.get_close_matches(option, known, n=1, cutoff=0.6) if option.startswith("--") else []
        top.error(f"unknown argument {option}" + (f"; did you mean {near[0]}?" if near else ""))
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    run: Callable[[argparse.Namespace, Loaded], int] = arguments.run
    try:
        loaded = tenants.select(load(given_settings(arguments)))
        if loaded.settings.tenants and arguments.command not in OF_THE_SERVER:
            raise SettingsError(f"tenant: this server has several archives; say which is meant: --tenant "
                                f"{'|'.join(loaded.settings.tenants)}")
        logs.configure(loaded.settings.log_level, loaded.settings.log_format, str(arguments.command))
        return run(arguments, loaded)
    except SettingsError as error:
        print(f"isocenter: {error}", file=sys.stderr)
        return USAGE
    except CannotServe as error:
        print(f"isocenter: {error}", file=sys.stderr)
        return USAGE if error.usage else FAILED
    except IsocenterError as error:
        from isocenter.commands.terminal import print_error

        print_error(error)
        return FAILED
    except KeyboardInterrupt:
        print("\nisocenter: stopped. What was finished is kept; running the command again goes on from there.", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; what was asked for is done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE


if __name__ == "__main__":
    sys.exit(main())
