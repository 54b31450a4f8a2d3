#!/usr/bin/env python3
"""An independent judge of `refusals.json`.

It shares no code with Sprag: its own strict CBOR, its own verification of lists and prekeys, its own reading of
envelopes and contents (`objects.py`). Everything in the file must be refused here too, and for the reason that the file
states; and the good list that it names must open.

    pip install cryptography
    python3 docs/vectors/refuse.py
"""

from account import open_code, open_page, open_succession, parse_link, read_text
from cards import find_armor, open_card, open_link_text, open_part, open_small
from objects import Refused, load, open_content, open_envelope, open_list, open_prekey, unpad, x25519_key


def read_refusals():
    file = load("refusals.json")
    device = next(d for d in open_list(file["list"])["devices"] if d["id"] == file["device_id"])
    judges = {
        "list": open_list,
        "signed prekey": lambda data: open_prekey(data, device, 1, file["now"]),
        "one-time prekey": lambda data: open_prekey(data, device, 2, file["now"]),
        "envelope": open_envelope,
        "content": open_content,
        "succession": open_succession,
        "link code": open_code,
        "link text": lambda data: read_text(data.decode()),
        "link": parse_link,
        "state page": open_page,
        "card": open_card,
        "card part": open_part,
        "small card": open_small,
        "card link": lambda data: open_link_text(data.decode()),
        "armor": lambda data: find_armor(data.decode()),
        "padded content": unpad,
        "x25519 key": x25519_key,
    }
    for refusal in file["refusals"]:
        try:
            judges[refusal["offered_as"]](refusal["bytes"])
        except Refused as reason:
            assert str(reason) == refusal["error"], f"{refusal['name']}: {reason}, not {refusal['error']}"
        else:
            raise AssertionError(f"{refusal['name']}: accepted")
    return f"{len(file['refusals'])} refused, each for the stated reason"


def main():
    print(read_refusals())


if __name__ == "__main__":
    main()
