"""Bad input gets one clear error: what was given, what was expected, what to do."""

import contextlib

import pytest


@contextlib.contextmanager
def refused(*parts):
    """Expects a ValueError on one line whose message has every part, in this order."""
    with pytest.raises(ValueError) as caught:
        yield
    message, at = str(caught.value), 0
    assert "\n" not in message
    for part in parts:
        assert part in message[at:], f"{part!r} is not in order in {message!r}"
        at = message.index(part, at) + len(part)
