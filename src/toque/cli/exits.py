"""Exit codes, and which error means which."""

from __future__ import annotations

from enum import IntEnum

from toque.errors import NotFound, TransientError, UserError


class Exit(IntEnum):
    """What a command tells the shell. Part of the interface: numbers are never given a second meaning."""

    OK = 0
    RUN_FAILED = 1
    """The run that the command waited for failed or was cancelled by somebody else."""
    USAGE = 2
    """Something that the user wrote is wrong: the command, the settings, the pipeline."""
    ALREADY_SERVED = 3
    """Another server holds the store."""
    NOT_FOUND = 4
    """No such run, pipeline, version, task or connection."""
    UNAVAILABLE = 5
    """The store cannot be reached or written, or has another schema."""
    BUG = 70
    """A defect of Toque itself."""
    INTERRUPTED = 130
    """Ctrl-C."""


def exit_for(error: BaseException) -> Exit:
    """The exit code that an error means."""
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(error, NotFound):
        return Exit.NOT_FOUND
    if isinstance(error, UserError):
        return Exit.USAGE
    match type(error).__name__:
        # By name: the port would have to be imported, and with it the engine, for every `toque --help`.
        case "AlreadyServed":
            return Exit.ALREADY_SERVED
        case "StoreUnavailable" | "SchemaOutdated" | "OwnershipLost":
            return Exit.UNAVAILABLE
        case "RunFailed":
            return Exit.RUN_FAILED
        case _:
            return Exit.UNAVAILABLE if isinstance(error, TransientError) else Exit.BUG
