"""Options of traces."""

from traitlets import Dict, Unicode
from traitlets.config import Configurable


class Traces(Configurable):
    """Where every service tells what it does for how long, by OpenTelemetry."""

    endpoint = Unicode(
        "",
        help="Base address of a collector that speaks OTLP over HTTP, such as http://collector:4318; when empty, that "
        "of the environment variable OTEL_EXPORTER_OTLP_ENDPOINT. Without either nothing is traced.",
    ).tag(config=True)
    headers = Dict(help="Headers that the collector wants, such as its key, by name.").tag(config=True, secret=True)
