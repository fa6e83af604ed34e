"""The command line: `toque COMMAND`. Commands are imported when they are called, so that each pays for itself only."""


def main() -> None:
    """Entry point of the `toque` script. Exits with a code of `toque.cli.exits`."""
    import sys

    if sys.platform == "win32":
        sys.exit("Toque runs on Linux and macOS. On Windows, use it in WSL: https://learn.microsoft.com/windows/wsl")
    from toque.cli.application import call

    sys.exit(call(sys.argv[1:]))
