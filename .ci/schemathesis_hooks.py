"""A body that Schemathesis does not know by itself: bytes of a file, as tus sends them."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
