"""The command line: `chainrule train` and `chainrule predict`."""

from chainrule.cli.app import app, main

__all__ = ["app", "main"]
