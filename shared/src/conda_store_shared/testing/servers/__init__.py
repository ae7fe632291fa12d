"""Real servers for tests: each a context manager with a directory of its own, on a free loopback port, ended by pid."""

from conda_store_shared.testing.servers.gateway import Gateway, Upstreams
from conda_store_shared.testing.servers.postgres import Databases, ExternalPostgres, Postgres
from conda_store_shared.testing.servers.process import ServerNotInstalled, ServerNotReady, ServerProcess, free_port
from conda_store_shared.testing.servers.rabbitmq import MANAGEMENT_PORT, ExternalRabbitMQ, RabbitMQ, VirtualHosts
from conda_store_shared.testing.servers.s3 import S3, Bucket, S3Account
from conda_store_shared.testing.servers.tcp_proxy import TcpProxy

__all__ = [
    "MANAGEMENT_PORT",
    "S3",
    "Bucket",
    "Databases",
    "ExternalPostgres",
    "ExternalRabbitMQ",
    "Gateway",
    "Postgres",
    "RabbitMQ",
    "S3Account",
    "ServerNotInstalled",
    "ServerNotReady",
    "ServerProcess",
    "TcpProxy",
    "Upstreams",
    "VirtualHosts",
    "free_port",
]
