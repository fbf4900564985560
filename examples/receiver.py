#!/usr/bin/env python3
"""A small support desk on the command line: it takes the relay's signed webhooks, shows them, and answers.

    WEBHOOK_SECRET=whsec_... RELAY_URL=http://127.0.0.1:8090 RELAY_TOKEN=... python3 examples/receiver.py

It needs Python 3.9 and nothing else. A line that you type goes to the customer of the newest handoff. `/file PATH` sends
a file, `/note TEXT` a note, `/end` ends the handoff. LISTEN is where it listens (127.0.0.1:8093), AGENT is the name that
customers see. With AUTO_REPLY=on it answers each message of a customer by itself.
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60
KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
RELAY = os.environ["RELAY_URL"].rstrip("/")
TOKEN = os.environ["RELAY_TOKEN"]
AGENT = {"display_name": os.environ.get("AGENT", "Ann")}
REPLIES = os.environ.get("AUTO_REPLY") == "on"

lock = threading.Lock()
seen = set()  # Events that have been handled: each may come more than once.
last = {}  # The number of the last event of each handoff: a gap shows what was missed.
newest = None
acknowledged = queue.Queue()  # What was acknowledged, in its order.
# No proxy of the environment stands between.
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def say(line):
    print(line, flush=True)


def is_signed(headers, body):
    """As Standard Webhooks says: HMAC-SHA256 over id, time and body; one of several signatures must match."""
    event, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{event}.{timestamp}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted, one) for one in given)


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/ada":
            return self.answer(404)
        if not is_signed(self.headers, body):
            return self.answer(401)
        try:
            event = json.loads(body)
        except ValueError:
            return self.answer(400)
        with lock:
            is_new = self.headers["webhook-id"] not in seen
            seen.add(self.headers["webhook-id"])
        # Acknowledged at once, handled afterwards.
        self.answer(204)
        if is_new:
            acknowledged.put(event)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def attempt(what, *args):
    try:
        what(*args)
    except urllib.error.HTTPError as error:
        detail = json.loads(error.read() or b"{}").get("detail", "no reason given")
        say(f"not sent: {error.code}: {detail}")
    except Exception as error:  # One event's trouble is not the next one's.
        say(f"not handled: {error}")


def handle_all():
    while True:
        attempt(handle, acknowledged.get())


def handle(event):
    global newest
    kind, data = event["type"], event.get("data", {})
    handoff, sequence = data.get("handoff_id"), data.get("sequence")
    if handoff is None or sequence is None:
        return say(kind)
    with lock:
        before = last.get(handoff, 0)
        last[handoff] = max(before, sequence)
    if before and sequence > before + 1:
        say(f"missed events {before + 1} to {sequence - 1}; the thread has them")
    if kind == "handoff.started":
        newest = handoff
        say(f"handoff {handoff} of {data['end_user']['name']} waits: {json.dumps(data['context'])}")
    elif kind == "handoff.message":
        message(handoff, data)
    elif kind == "handoff.message_updated":
        updated(data)
    elif kind == "handoff.ended":
        say(f"handoff {handoff} has ended, by {data['ended_by']}")
    else:  # What this desk doesn't know yet does no harm.
        say(kind)


def message(handoff, row):
    author, content = row["author"], row["content"]
    words = content.get("body") or content.get("filename") or "?"
    say(f"{author.get('display_name') or author['role']}{' (late)' if row['late'] else ''}: {words}")
    if REPLIES and author["role"] == "end_user" and row["source"] != "transcript":
        # The same key for the same message: however often this runs, the customer gets one answer.
        key = {"idempotency-key": f"reply-{row['id']}"}
        post(handoff, "messages", {"text": f"You wrote: {words}", "author": AGENT}, key)


def updated(row):
    content = row["content"]
    if row.get("delivery"):
        say(f"{content.get('body', 'a file')}: {row['delivery']['state']}")
    if content.get("filename") and content.get("url") and row["author"]["role"] != "human_agent":
        with http.open(content["url"], timeout=30) as file:
            say(f"{content['filename']}: {len(file.read())} bytes")


def post(handoff, what, body=None, headers=None):
    send(handoff, what, json.dumps(body or {}).encode(), {"content-type": "application/json", **(headers or {})})


def send(handoff, what, body, headers):
    url = f"{RELAY}/platform/handoffs/{handoff}/{what}"
    headers = {"authorization": f"Bearer {TOKEN}", **headers}
    with http.open(urllib.request.Request(url, body, headers), timeout=30) as answer:
        answer.read()


def send_file(handoff, path):
    edge, name = uuid.uuid4().hex, os.path.basename(path).replace('"', "")
    with open(path, "rb") as file:
        parts = [
            f'--{edge}\r\ncontent-disposition: form-data; name="author"\r\n\r\n{json.dumps(AGENT)}\r\n'.encode(),
            f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode(),
            file.read(),
            f"\r\n--{edge}--\r\n".encode(),
        ]
    send(handoff, "files", b"".join(parts), {"content-type": f"multipart/form-data; boundary={edge}"})


def types(line):
    if newest is None:
        say("no handoff yet")
    elif line == "/end":
        post(newest, "end")
    elif line.startswith("/file "):
        send_file(newest, line.removeprefix("/file "))
    elif line.startswith("/note "):
        post(newest, "notes", {"text": line.removeprefix("/note "), "author": AGENT})
    else:
        post(newest, "messages", {"text": line, "author": AGENT})


if __name__ == "__main__":
    host, port = os.environ.get("LISTEN", "127.0.0.1:8093").rsplit(":", 1)
    door = ThreadingHTTPServer((host, int(port)), Door)
    say(f"listening at http://{host}:{door.server_port}/ada")
    threading.Thread(target=door.serve_forever, daemon=True).start()
    threading.Thread(target=handle_all, daemon=True).start()
    for typed in sys.stdin:
        attempt(types, typed.strip())
    threading.Event().wait()
