#!/usr/bin/env python3
"""An independent reader of `link.json` and `account.json`.

It shares no code with Sprag: it reads the code of a new device from its text, opens the offer and the answer under the
code's secret, verifies a succession of account keys, and puts together the pages of an account's state.

    pip install cryptography
    python3 docs/vectors/account.py
"""

from objects import (
    Refused, aead_open, check_id, check_time, decode, extensions, hash_of, hkdf, is_bytes, is_uint, label, load, open_entry,
    open_list, open_object, open_prekey, shape, sign_public, verify,
)

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def is_u32(item):
    return is_uint(item) and item < 2**32


# --- linking ------------------------------------------------------------------------------------------------------

def open_code(data):
    shape(len(data) <= 256, "TooLarge")
    fields = open_object(data, "link")
    shape(len(fields) == 4 and is_uint(fields[0]))
    shape(fields[0] == 0, "Mismatch")
    shape(is_bytes(fields[1], 32) and is_bytes(fields[2], 32))
    check_id(fields[3])
    return {"secret": fields[1], "commitment": fields[2], "account_id": fields[3], "bytes": data,
            "hash": hash_of("link code", data), "id": hash_of("link id", fields[1])[:8],
            "digits": f"{int.from_bytes(hash_of('link digits', data)[:8], 'big') % 1_000_000:06}"}


def read_text(text):
    """The bytes of a code that somebody typed."""
    return read_letters("link text", text)


def read_letters(purpose, text):
    """The bytes of a text that somebody typed, whose checksum is for this purpose."""
    letters = [c for c in text.upper().translate(str.maketrans("OIL", "011")) if c != "-" and not c.isspace()]
    shape(all(letter in LETTERS for letter in letters))
    bits = "".join(f"{LETTERS.index(letter):05b}" for letter in letters)
    whole = len(bits) // 8
    shape(set(bits[8 * whole:]) <= {"0"} and len(letters) == -(-8 * whole // 5) and whole >= 3)
    data = bytes(int(bits[8 * i : 8 * i + 8], 2) for i in range(whole))
    shape(hash_of(purpose, data[:-3])[:3] == data[-3:])
    return data[:-3]


def write_text(data):
    bits = "".join(f"{byte:08b}" for byte in data + hash_of("link text", data)[:3])
    bits += "0" * (-len(bits) % 5)
    letters = "".join(LETTERS[int(bits[i : i + 5], 2)] for i in range(0, len(bits), 5))
    return "-".join(letters[i : i + 5] for i in range(0, len(letters), 5))


def parse_link(data):
    """Phase, id, salt and what is sealed."""
    shape(len(data) <= 24_576, "TooLarge")
    fields = open_object(data, "link")
    shape(len(fields) == 4 and is_uint(fields[0]))
    shape(fields[0] in (1, 2), "Unsupported")
    shape(is_bytes(fields[1], 8) and is_bytes(fields[2], 32) and is_bytes(fields[3]))
    return fields


def open_link(data, code, phase, before=b""):
    found, name, salt, sealed = parse_link(data)
    shape(found == phase and name == code["id"], "Mismatch")
    key = hkdf(salt, [code["secret"]], 32, label("link key"), bytes([phase]), code["hash"], before)
    return key, aead_open(key, bytes(12), bytes([1, 9, phase]) + name, sealed)


def open_offer(data, code, ours, now):
    _, contents = open_link(data, code, 1)
    fields = decode(contents)
    shape(isinstance(fields, list) and len(fields) in (5, 6))
    account_id, account_key, device, grants, list_bytes = fields[:5]
    check_id(account_id)
    shape(is_bytes(account_key, 32) and is_u32(device) and isinstance(grants, bool) and is_bytes(list_bytes))
    extensions(fields, 5)
    listed = open_list(list_bytes)
    entry = next((entry for entry in listed["devices"] if entry["id"] == device), None)
    shape(account_id == code["account_id"] == listed["account_id"] and account_key == listed["account_key"], "Mismatch")
    shape(entry and entry["holds_account_key"], "Mismatch")
    shape(all(entry["id"] != ours for entry in listed["devices"]), "Mismatch")
    check_time(listed["issued"], listed["expires"], now)
    return account_id, account_key, grants


def open_answer(data, code, offer, account, grants, now):
    _, contents = open_link(data, code, 2, hash_of("link offer", offer))
    fields = decode(contents)
    shape(isinstance(fields, list) and len(fields) in (2, 3) and is_bytes(fields[1]))
    extensions(fields, 2)
    device = open_entry(*account, fields[0])
    shape(commitment(account[0], device) == code["commitment"], "Mismatch")
    shape(device["holds_account_key"] == grants, "Mismatch")
    shape(1 in device["versions"], "Unsupported")
    open_prekey(fields[1], device, 1, now)
    return device, fields[1]


def commitment(account_id, device):
    return hash_of("link device", account_id, device["id"], device["device_key"], device["identity_key"])


def read_link():
    file = load("link.json")
    frozen, account, new = file["code"], file["account"], file["new_device"]
    code = open_code(read_text(frozen["text"]))
    assert write_text(code["bytes"]) == frozen["text"]
    for key in ("secret", "commitment", "bytes", "hash", "id", "digits"):
        assert code[key] == frozen[key], key
    device = {"id": new["device_id"], "device_key": new["device_key"], "identity_key": new["identity_key"]}
    assert commitment(account["account_id"], device) == code["commitment"]
    secret = hkdf(frozen["random"], [new["device_hedge"]], 32, label("link secret"),
                  file["now"].to_bytes(8, "big"), code["commitment"])
    assert secret == code["secret"]

    offer, answer = file["offer"]["object"], file["answer"]["object"]
    *joined, grants = open_offer(offer, code, new["device_id"], file["now"])
    assert joined == [account["account_id"], account["account_key"]] and grants
    assert hash_of("link offer", offer) == file["offer_hash"]
    found, prekey = open_answer(answer, code, offer, joined, grants, file["now"])
    assert {key: found[key] for key in device} == device and prekey == new["signed_prekey"]["object"]
    for name, phase, before, hedge in (("offer", 1, b"", account["device_hedge"]),
                                       ("answer", 2, file["offer_hash"], new["device_hedge"])):
        sealed = file[name]
        key, contents = open_link(sealed["object"], code, phase, before)
        assert key == sealed["key"] and contents == sealed["contents"]
        assert hash_of("link contents", contents) == sealed["contents_hash"]
        salt = hkdf(sealed["random"], [hedge], 32, label("link salt"), bytes([phase]), sealed["contents_hash"])
        assert salt == sealed["salt"]
    # Neither is anything else.
    for wrong in (lambda: open_link(offer, code, 2, file["offer_hash"]), lambda: open_link(answer, code, 1),
                  lambda: open_link(answer, code, 2, bytes(32)), lambda: open_link(answer, code, 2)):
        try:
            wrong()
        except Refused:
            continue
        raise AssertionError("a link object opened as another")
    return "a device linked"


# --- successions and state ----------------------------------------------------------------------------------------

def open_succession(data):
    shape(len(data) <= 4096, "TooLarge")
    fields = open_object(data, "succession")
    shape(len(fields) == 3 and is_bytes(fields[0]) and is_bytes(fields[1], 64) and is_bytes(fields[2], 64))
    body, by_old, by_new = fields
    parts = decode(body)
    shape(isinstance(parts, list) and len(parts) in (4, 5))
    account_id, old, new, issued = parts[:4]
    check_id(account_id)
    shape(is_bytes(old, 32) and is_bytes(new, 32) and is_uint(issued) and old != new)
    extensions(parts, 4)
    verify(old, "succession", body, by_old)
    verify(new, "succession accepted", body, by_new)
    return {"account_id": account_id, "old_key": old, "new_key": new, "issued": issued, "body": body,
            "old_signature": by_old, "new_signature": by_new}


def open_page(data):
    fields = decode(data)
    shape(isinstance(fields, list) and len(fields) in (5, 6))
    number, pages, seed, contacts, protections = fields[:5]
    shape(is_u32(number) and is_u32(pages) and number < pages and (seed is None or is_bytes(seed, 32)))
    shape(isinstance(contacts, list) and isinstance(protections, list))
    extensions(fields, 5)
    people = [open_contact(contact) for contact in contacts]
    keys = [(person["account_id"], person["account_key"]) for person in people]
    shape(keys == sorted(set(keys)))
    for protection in protections:
        shape(isinstance(protection, list) and len(protection) == 3 and is_uint(protection[0]))
        shape(protection[0] in (1, 2), "Unsupported")
        check_id(protection[1])
        shape(is_uint(protection[2]) and protection[2] < 256)
    places = [(kind, place) for kind, place, _ in protections]
    shape(places == sorted(set(places)))
    return number, pages, seed, people, protections


def open_contact(contact):
    shape(isinstance(contact, list) and len(contact) == 4)
    account_id, account_key, trust, known = contact
    check_id(account_id)
    shape(is_bytes(account_key, 32) and is_uint(trust) and trust < 256)
    if is_bytes(known):
        listed = open_list(known)
        shape((listed["account_id"], listed["account_key"]) == (account_id, account_key), "Mismatch")
        known = [listed["sequence"], listed["hash"]]
    shape(isinstance(known, list) and len(known) == 2 and is_uint(known[0]) and is_bytes(known[1], 32))
    return {"account_id": account_id, "account_key": account_key, "trust": trust, "sequence": known[0],
            "hash": known[1]}


def read_account():
    file = load("account.json")
    frozen, account = file["succession"], file["account"]
    found = open_succession(frozen["object"])
    assert all(frozen[key] == value for key, value in found.items())
    assert found["old_key"] == account["account_key"] and found["new_key"] == sign_public(frozen["new_account_seed"])
    listed = open_list(frozen["next_list"])
    assert listed["account_key"] == found["new_key"] and listed["previous"] == open_list(account["list"])["hash"]

    state = file["state"]
    pages = [open_page(page) for page in state["pages"]]
    assert [page[:2] for page in pages] == [(number, len(pages)) for number in range(len(pages))]
    assert all(len(page) <= state["max"] for page in state["pages"]) and len(pages) > 1
    assert sign_public(pages[0][2]) == account["account_key"] and all(page[2] is None for page in pages[1:])
    people = [person for page in pages for person in page[3]]
    assert people == state["contacts"]
    assert [place for page in pages for place in page[4]] == [[1, b"bob", 3], [2, b"the book club", 2]]
    return f"a succession; an account's state in {len(pages)} pages"


def main():
    for read in (read_link, read_account):
        print("ok", read())


if __name__ == "__main__":
    main()
