"""The command line: `toque COMMAND`. Commands are imported when they are called, so that each pays for itself only."""


def main() -> None:
    """Entry point of the `toque` script. Exits with a code of `toque.cli.exits`."""
    import sys

    from toque.cli.application import call

    sys.exit(call(sys.argv[1:]))
