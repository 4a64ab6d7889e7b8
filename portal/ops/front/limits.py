"""Bounds and deadlines of the front, for each web process. Bytes and seconds."""

from __future__ import annotations

from django.conf import settings

KB, MB = 1024, 1024 * 1024

# Heads of requests. Names of hundreds of classes may stand in the metadata of an upload.
URL_BYTES = 8 * KB
HEAD_BYTES = 64 * KB
HEADERS = 100
REST_BYTES = 512 * KB  # of a request beside its body, with what the parser has not yet told
REST_PER_BODY_BYTE = 16  # sizes of chunks
HEAD_SECONDS = 10.0
IDLE_SECONDS = 15.0  # between two requests of a connection
PIPELINED = 8  # requests that wait behind the one that is answered, on one connection

# Connections. Those that wait for their client make room for new ones, the oldest first.
CONNECTIONS = 1000
CONNECTIONS_PER_ADDRESS = 300
LINGER_SECONDS = 3.0  # to read a refusal while still sending
LINGER_BYTES = 8 * MB  # of what is still sent, thrown away; then nothing more is read

# Bodies. The largest form for people who are not signed in has a few hundred bytes.
STRANGERS_BODY = 64 * KB
WHOLE_BODY = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # what Django takes in memory
BODY_SECONDS = 15.0
BUFFERS = 32  # bodies above STRANGERS_BODY that are in memory at a time
BUFFERS_PER_PERSON = 8
BODY_BYTES_PER_SECOND = 16 * KB  # of a body that is buffered, beyond BODY_SECONDS
STREAM_BUFFER = 2 * MB  # of chunks that wait for their thread
STREAM_BLOCK = MB
# A stream that brings less than this while it is waited for is cut: 4 KB a second, a bad mobile connection.
STALL_SECONDS = 30.0
STALL_BYTES = 128 * KB

# Answers. Readers take as much within STALL_SECONDS, or their connection ends.
ANSWER_BLOCK = 64 * KB
FILE_BLOCK = 256 * KB
READER_BYTES = 64 * KB

# Threads. Those of streams cost little while they wait, and pages never wait for them.
PAGE_THREADS = 8
STREAM_THREADS = 12
STREAMS_PER_PERSON = 4
FILE_THREADS = 4
QUEUE = 256  # requests that wait for a thread
QUEUE_SECONDS = 30.0
STREAM_QUEUE_SECONDS = 10.0
SHARES_PER_ADDRESS = 16  # turns that one address gets at most, however many names it gives itself

JUDGED_SECONDS = 10.0  # how long it is believed who sends large bodies
JUDGED_KEPT = 1000
STOP_SECONDS = 5.0  # for requests under way when the server stops
