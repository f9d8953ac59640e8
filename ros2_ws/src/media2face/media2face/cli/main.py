"""`m2f`: one command, one file beside this for each of its sub-commands."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from media2face.cli.errors import UserError

# Each is a module media2face.cli.<name> with add_parser(subparsers), which sets `run` to a
# function of the parsed arguments. Heavy imports belong inside `run`.
COMMANDS = ("animate", "bench", "corpus", "eval", "identity", "rig")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="m2f", description="Speech and prompts in, a talking face out."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"media2face.cli.{name}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point.

    Returns:
        0; 2 and one line on stderr for what the user can put right; 130 after Ctrl-C.
    """
    args = build_parser().parse_args(arguments)
    try:
        args.run(args)
    except UserError as error:
        print(f"m2f {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"m2f {args.command}: stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
