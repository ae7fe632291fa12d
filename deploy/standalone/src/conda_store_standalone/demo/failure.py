"""What may go wrong in the demo."""


class DemoFailed(Exception):
    """Raised with what a person is to read: what went wrong, and what to do about it."""
