#!/usr/bin/env python3
"""An independent reader of `contents.json`.

It shares no code with Sprag: it reads each content by its own strict CBOR (`objects.py`), finds between whom it goes, and
opens the commitment and the MACs over the lists.

    pip install cryptography
    python3 docs/vectors/contents.py
"""

from objects import decode, expand, hash_of, hmac, is_bytes, is_uint, label, load, open_content, shape


def audience_of(conversation, sender, reader):
    """Between whom a message goes, or a refusal where it is not this reader's."""
    if conversation is None or conversation[0] == 1:
        recipient = conversation[1] if conversation else reader
        shape(reader in (sender, recipient) and (conversation is not None or sender != reader), "Misfiled")
        return hash_of("audience direct", sender, recipient)
    _, room, members = conversation
    shape(sender in members and reader in members, "Misfiled")
    return hash_of("audience room", sender, room, members)


def read_contents():
    file = load("contents.json")
    kinds, stated = set(), 0
    for frozen in file["contents"]:
        kind, _, _, conversation, lists, _, extension = open_content(frozen["content"])
        kinds.add(kind)
        audience = audience_of(conversation, frozen["sender_id"], frozen["reader_id"])
        assert audience == frozen["audience"], frozen["name"]
        key = expand(frozen["content_key"], 32, label("franking"))
        assert hmac(key, audience, frozen["content"]) == frozen["commitment"], frozen["name"]
        key = expand(frozen["content_key"], 32, label("list mac"))
        for sequence, mac, known in zip(lists[::2], lists[1::2], frozen["lists"], strict=True):
            assert mac == (hmac(key, known)[:8] if sequence else bytes(8)), frozen["name"]
        if 11 in extension:
            assert open_continues(extension[11]) == [[bytes([6] * 8), 3, 0], [bytes([7] * 8), 400, 70_000]]
            assert extension[3] == bytes([5] * 8)
            stated += 1
    assert stated == 1
    return f"{len(file['contents'])} contents of {len(kinds)} kinds"


def open_continues(data):
    """The sessions that continue others: the first 8 bytes of T, turns and epoch of the old one."""
    begun = decode(data)
    shape(isinstance(begun, list))
    shape(len(begun) <= 1_600, "TooLarge")
    for one in begun:
        shape(isinstance(one, list) and len(one) == 3)
        shape(is_bytes(one[0], 8) and is_uint(one[1]) and is_uint(one[2]))
    return begun


def main():
    print("ok", read_contents())


if __name__ == "__main__":
    main()
