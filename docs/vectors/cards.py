#!/usr/bin/env python3
"""An independent reader of `cards.json`.

It shares no code with Sprag: it puts a contact card together from its parts, reads the small card from its link, and finds
objects in armor.

    pip install cryptography
    python3 docs/vectors/cards.py
"""

from account import read_letters
from objects import (
    Refused, check_id, decode, encode, extensions, hash_of, is_bytes, is_uint, load, open_list, open_object, parse_prekey,
    shape,
)

LETTERS = "123456789ABCDEFGHJKLMNPQRTUVWXYZabcdefghijkmnopqrstuvwxyz"
NEEDED = [0, 2, 3, 5, 6, 7, 9, 10, 11]
MARK = "SPRAG"


# --- cards --------------------------------------------------------------------------------------------------------

def open_card(data):
    shape(len(data) <= 83_072, "TooLarge")
    fields = decode(data)
    shape(isinstance(fields, list) and len(fields) in (2, 3) and is_bytes(fields[0]) and isinstance(fields[1], list))
    shape(len(fields[1]) <= 16, "TooLarge")
    extensions(fields, 2)
    listed = open_list(fields[0])
    devices = {device["id"] for device in listed["devices"]}
    found = []
    for prekey in fields[1]:
        shape(is_bytes(prekey))
        device, kind = parse_prekey(prekey)[2][:2]
        shape(kind == 1 and device in devices, "Mismatch")
        found.append(device)
    shape(found and found == sorted(set(found)))
    return listed, fields[1]


def open_part(data):
    """Number, count, hash, bytes."""
    fields = open_object(data, "card")
    shape(len(fields) == 5 and is_uint(fields[0]))
    shape(fields[0] == 1, "Unsupported")
    _, number, count, digest, part = fields
    shape(is_uint(number) and is_uint(count) and is_bytes(digest, 32) and is_bytes(part))
    shape(len(part) <= 83_072 and count <= 256, "TooLarge")
    shape(number < count and part)
    return number, count, digest, part


def assemble(parts):
    """The whole card, from parts in any order."""
    opened = sorted(open_part(part) for part in parts)
    _, count, digest, _ = opened[0]
    shape(all(part[1:3] == (count, digest) for part in opened), "Mismatch")
    assert [part[0] for part in opened] == list(range(count))
    whole = b"".join(part[3] for part in opened)
    shape(hash_of("card", whole) == digest, "Mismatch")
    return whole


def open_small(data):
    fields = open_object(data, "card")
    shape(len(fields) == 3 and is_uint(fields[0]))
    shape(fields[0] == 0, "Unsupported")
    check_id(fields[1])
    shape(is_bytes(fields[2], 32))
    return {"account_id": fields[1], "fingerprint": fields[2]}


def open_link_text(text):
    text = text.strip()
    shape(text[:6].lower() == "sprag:", "Unsupported")
    return read_letters("card link", text[6:].removeprefix("//"))


# --- armor --------------------------------------------------------------------------------------------------------

IGNORED = {0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)}


def numbers(letters, length):
    """So many bytes from the front of a text of letters."""
    taken, rest = letters[: NEEDED[length]], letters[NEEDED[length] :]
    shape(len(taken) == NEEDED[length] and all(letter in LETTERS for letter in taken))
    value = 0
    for letter in taken:
        value = 57 * value + LETTERS.index(letter)
    shape(value < 1 << 8 * length)
    return value.to_bytes(length, "big"), rest


def find_armor(text):
    letters = "".join(c for c in text if not c.isspace() and ord(c) not in IGNORED)
    for candidate in letters.split(MARK[0])[1:]:
        if not candidate.startswith(MARK[1:]):
            continue
        try:
            header, rest = numbers(candidate[len(MARK) - 1 :], 8)
            length = int.from_bytes(header[1:4], "big")
            shape(header[0] == 1 and 1 <= length <= 4 * 1024 * 1024)
            found = b""
            while len(found) < length:
                block, rest = numbers(rest, min(8, length - len(found)))
                found += block
            shape(hash_of("armor", found)[:4] == header[4:])
        except Refused:
            continue
        return found
    raise Refused("Malformed")


def put(block):
    value, letters = int.from_bytes(block, "big"), ""
    for _ in range(NEEDED[len(block)]):
        value, letter = divmod(value, 57)
        letters = LETTERS[letter] + letters
    return letters


def write_armor(data):
    header = b"\x01" + len(data).to_bytes(3, "big") + hash_of("armor", data)[:4]
    return MARK + "".join(put(part) for part in [header, *(data[i : i + 8] for i in range(0, len(data), 8))])


# --- the file -----------------------------------------------------------------------------------------------------

def read_cards():
    file = load("cards.json")
    frozen = file["card"]
    whole = assemble(frozen["parts"][::-1])
    assert whole == frozen["whole"] and hash_of("card", whole) == frozen["hash"]
    assert all(len(part) <= frozen["max"] for part in frozen["parts"]) and len(frozen["parts"]) > 1
    listed, prekeys = open_card(whole)
    assert prekeys == frozen["prekeys"] and encode([frozen["list"], prekeys]) == whole
    assert listed["account_id"] == file["account"]["account_id"]

    small = file["small"]
    for text in (small["text"], small["text"].lower(), small["text"].replace("sprag:", "SPRAG://")):
        assert open_link_text(text) == small["bytes"]
    found = open_small(small["bytes"])
    assert all(small[key] == value for key, value in found.items())
    assert found["fingerprint"] == hash_of("account key fingerprint", file["account"]["account_key"])
    assert hash_of("card link", small["bytes"])[:3] == small["check"]

    for armored in file["armored"]:
        text = armored["text"]
        assert hash_of("armor", armored["object"])[:4] == armored["check"]
        assert text.endswith(write_armor(armored["object"]))
        for bent in (text, "\n".join(text), f"> {text[:20]}\u200b{text[20:]} SPRAG", f"SPRAG1{text}, said he"):
            assert find_armor(bent) == armored["object"], bent
    return f"a card in {len(frozen['parts'])} parts, a link, {len(file['armored'])} objects in armor"


def main():
    print("ok", read_cards())


if __name__ == "__main__":
    main()
