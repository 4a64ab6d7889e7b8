"""Bounds and deadlines of the front, per web process, in bytes and seconds."""

from __future__ import annotations

from django.conf import settings

KB, MB = 1024, 1024 * 1024

# Request heads. The metadata of an upload may hold the names of hundreds of classes.
URL_BYTES = 8 * KB
HEAD_BYTES = 64 * KB
HEADERS = 100
REST_BYTES = 512 * KB  # of a request besides its body, including what the parser has not yet reported
REST_PER_BODY_BYTE = 16  # chunk headers
HEAD_SECONDS = 10.0
IDLE_SECONDS = 15.0  # between two requests of a connection
PIPELINED = 8  # pipelined requests waiting on one connection

# Connections. Those that wait for their client make room for new ones, oldest first.
CONNECTIONS = 1000
CONNECTIONS_PER_ADDRESS = 300
LINGER_SECONDS = 3.0  # to read a refusal while still sending
LINGER_BYTES = 8 * MB  # of further input that is discarded; after that, nothing is read

# Bodies. The largest form for anonymous people has a few hundred bytes.
STRANGERS_BODY = 64 * KB
WHOLE_BODY = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # what Django accepts in memory
BODY_SECONDS = 15.0
BUFFERS = 32  # bodies above STRANGERS_BODY in memory at a time
BUFFERS_PER_PERSON = 8
BODY_BYTES_PER_SECOND = 16 * KB  # of a buffered body, beyond BODY_SECONDS
STREAM_BUFFER = 2 * MB  # of chunks waiting for their thread
STREAM_BLOCK = MB
# A slower stream is cut off: 4 KB a second is a bad mobile connection.
STALL_SECONDS = 30.0
STALL_BYTES = 128 * KB

# Responses. A client must read this much within STALL_SECONDS, or its connection ends.
ANSWER_BLOCK = 64 * KB
FILE_BLOCK = 256 * KB
READER_BYTES = 64 * KB

# Threads. Those of streams are cheap while they wait, and pages never wait for them.
PAGE_THREADS = 8
STREAM_THREADS = 12
STREAMS_PER_PERSON = 4
FILE_THREADS = 4
# Watchers of a camera, who cost no thread.
WATCHERS = 64
WATCHES_PER_PERSON = 12
WATCHER_QUEUE_SECONDS = 1.0
WATCHER_BUFFER = 64 * KB  # what the system may hold of frames that are not read yet
QUEUE = 256  # requests waiting for a thread
QUEUE_SECONDS = 30.0
STREAM_QUEUE_SECONDS = 10.0
SHARES_PER_ADDRESS = 16  # slots of one address at most, whatever names it uses

JUDGED_SECONDS = 10.0  # how long the verdict about a sender of large bodies is cached
JUDGED_KEPT = 1000
STOP_SECONDS = 5.0  # for active requests when the server stops
