"""What a client takes, by its header Accept (RFC 9110, section 12.5.1)."""


def accepts(header: str, media_type: str) -> bool:
    """Whether ``media_type`` is taken; everything is by whoever names nothing."""
    ranges = [part for part in (part.strip() for part in header.split(",")) if part]
    return not ranges or any(_matches(each, media_type) for each in ranges)


def _matches(taken: str, media_type: str) -> bool:
    name, *parameters = (part.strip().lower() for part in taken.split(";"))
    if any(parameter.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters):
        return False
    return name in ("*/*", "application/*", media_type)
