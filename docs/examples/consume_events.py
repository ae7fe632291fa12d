"""Prints what happens in conda-store: consume_events.py AMQP_URL QUEUE [BINDING_KEY ...]"""

import asyncio
import json
import sys

import aio_pika


async def main(url: str, name: str, *keys: str) -> None:
    async with await aio_pika.connect_robust(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        for key in keys or ("build.#",):
            await queue.bind("conda-store.events", key)
        print("listening", file=sys.stderr, flush=True)
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process(requeue=True):  # acknowledged when the block ends well
                    event = json.loads(message.body)
                    print(message.message_id, message.routing_key, event["data"]["links"].get("build", ""), flush=True)


asyncio.run(main(*sys.argv[1:]))
