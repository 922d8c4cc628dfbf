# SPDX-License-Identifier: MIT
"""One error, told in one line: thing, value, what is wrong, the cure."""

FAILED = 1
USAGE = 2
MISSING = 3  # region, device or package missing or unusable
NOT_RUNNING = 4  # no such guest, or not ready in time
TIME_LIMIT = 124  # as timeout(1) has it


class GuestError(Exception):
    """Carries the four parts of the line and the program's exit code.

    It crosses process borders as a dictionary, because the supervisor finds
    most errors and the verb that waits for it tells them.
    """

    def __init__(self, thing, value, wrong, cure, code=FAILED):
        super().__init__(f"{thing}: {value}: {wrong}; {cure}")
        self.parts = {"thing": thing, "value": str(value), "wrong": wrong, "cure": cure,
                      "code": code}
        self.code = code

    @classmethod
    def from_parts(cls, parts):
        """Rebuilds an error that another process sent."""
        return cls(parts["thing"], parts["value"], parts["wrong"], parts["cure"], parts["code"])


def package_missing(program, package):
    """The error for a program that Debian has and this machine lacks."""
    return GuestError("program", program, "not found",
                      f"run: apt install {package}", MISSING)
