"""`toque completion`: a script that completes commands and options in a shell."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL. For bash: eval "$(toque completion bash)"."""
    from click.shell_completion import get_completion_class

    from toque.cli.application import toque

    kind = get_completion_class(shell)
    assert kind is not None
    # `_TOQUE_COMPLETE` is how click asks the program for completions.
    click.echo(kind(toque, {}, "toque", "_TOQUE_COMPLETE").source())
