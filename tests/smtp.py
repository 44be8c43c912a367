"""A mail server for the tests, on loopback: `python smtp.py PORT FOLDER` (port 0 takes a free one, which the first line names).

Each message taken is one JSON file in FOLDER. What comes to refuse@… is refused for good (550), what comes to later@… is refused for now
(451) the first time, and its next try is taken.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    def __init__(self, folder):
        self.folder = folder

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refuse@"):
            return "550 5.1.1 Boîte inconnue"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tries = self.folder / "tries"
        if any(a.startswith("later@") for a in envelope.rcpt_tos) and not tries.exists():
            tries.write_text(message["Message-ID"])
            return "451 4.3.0 Revenez plus tard"
        parts = [[p.get_content_type(), p.get_content()] for p in message.walk() if not p.is_multipart()]
        taken = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": [[name, str(value)] for name, value in message.items()],
            "parts": parts,
        }
        number = len(list(self.folder.glob("*.json")))
        part = self.folder / "part"
        part.write_text(json.dumps(taken, ensure_ascii=False))
        part.rename(self.folder / f"{number:04}.json")
        return "250 OK"


async def main():
    port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    handler = Handler(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, enable_SMTPUTF8=True, hostname="localhost"), "127.0.0.1", port
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
