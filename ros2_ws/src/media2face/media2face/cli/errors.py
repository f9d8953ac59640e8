"""What a command raises when the user, not the program, has to change something."""

from __future__ import annotations


class UserError(Exception):
    """Ends a command with exit code 2 and its message on one line."""

    def __init__(self, message: object) -> None:
        super().__init__(" ".join(str(message).split()))
