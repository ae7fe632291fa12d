"""Servers whose certificate is not trusted, told from the words of the programs that speak to them."""

_WORDS = ("invalid peer certificate", "CERTIFICATE_VERIFY_FAILED")
REMEDY = "have SSL_CERT_FILE name a file that holds the certificate of whoever vouches for it"


def is_untrusted(text: str) -> bool:
    """Whether an error's text says that a server could not prove who it is; to try again does not help then."""
    return any(words in text for words in _WORDS)
