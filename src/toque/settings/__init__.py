"""Settings: one typed, frozen tree made of `toque.toml`, a profile and the environment."""

from toque.settings.load import FILE_NAME, find_project, load
from toque.settings.secret import Secret
from toque.settings.tree import BundleFiles, Connection, Environment, Notification, Retention, Settings

__all__ = [
    "FILE_NAME",
    "BundleFiles",
    "Connection",
    "Environment",
    "Notification",
    "Retention",
    "Secret",
    "Settings",
    "find_project",
    "load",
]
