"""One module for a command or a small family of commands."""
