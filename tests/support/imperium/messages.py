"""What emperor, routers and vassals say to each other: a uwsgi packet whose first variable is the verb (base/wire/message.h)."""

VERB_MODIFIER = 0xE0


def message(verb, **fields):
    """The bytes of one control message; '_' in a field's name stands for '-'."""
    block = b""
    for name, value in (("verb", verb), *((key.replace("_", "-"), str(value)) for key, value in fields.items())):
        for text in (name.encode(), value.encode()):
            block += len(text).to_bytes(2, "little") + text
    return bytes([VERB_MODIFIER]) + len(block).to_bytes(2, "little") + b"\0" + block


def fields_of(data):
    """{name: text} of one control message, its verb among them."""
    block, texts = data[4:], []
    while block:
        size = int.from_bytes(block[:2], "little")
        texts.append(block[2:2 + size].decode())
        block = block[2 + size:]
    return dict(zip(texts[::2], texts[1::2]))
