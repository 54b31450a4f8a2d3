"""What every program here needs to read Sprag's objects: strict CBOR, primitives, lists, prekeys, envelopes and
contents, the files.

It shares no code with Sprag: `cryptography` for the curves and the cipher, and nothing else.
"""

import hashlib
import hmac as hmac_module
import json
import sys
from pathlib import Path

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
except ImportError as missing:
    sys.exit(f"{missing}: pip install cryptography")

DAY = 86_400
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
KINDS = {"envelope": 1, "list": 3, "prekey": 4, "card": 5, "succession": 7, "link": 9}


class Refused(Exception):
    """A refusal, by the name that the specification gives it."""


# --- deterministic CBOR -------------------------------------------------------------------------------------------

def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise ValueError(value)


def encode(item):
    if item is None:
        return b"\xf6"
    if isinstance(item, bool):
        return b"\xf5" if item else b"\xf4"
    if isinstance(item, int):
        return head(0, item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encode, item))
    if isinstance(item, dict):
        return head(5, len(item)) + b"".join(encode(key) + encode(value) for key, value in item.items())
    raise TypeError(item)


def decode(data):
    """Decodes one item and refuses whatever would not encode to the same bytes."""
    try:
        item, rest = decode_some(data)
    except (IndexError, UnicodeDecodeError) as error:
        raise Refused("Malformed") from error
    if rest or encode(item) != data:
        raise Refused("Malformed")
    return item


def decode_some(data):
    first = data[0]
    major, low = first >> 5, first & 31
    if first in (0xF4, 0xF5, 0xF6):
        return {0xF4: False, 0xF5: True, 0xF6: None}[first], data[1:]
    if low < 24:
        value, rest = low, data[1:]
    elif low <= 27:
        size = 1 << (low - 24)
        if len(data) < 1 + size:
            raise Refused("Malformed")
        value, rest = int.from_bytes(data[1 : 1 + size], "big"), data[1 + size :]
    else:
        raise Refused("Malformed")
    if major == 0:
        return value, rest
    if value > len(rest):
        raise Refused("Malformed")
    if major == 2:
        return rest[:value], rest[value:]
    if major == 3:
        return rest[:value].decode(), rest[value:]
    if major == 4:
        items = []
        for _ in range(value):
            item, rest = decode_some(rest)
            items.append(item)
        return items, rest
    if major == 5:
        pairs, last = {}, -1
        for _ in range(value):
            key, rest = decode_some(rest)
            content, rest = decode_some(rest)
            if not isinstance(key, int) or isinstance(key, bool) or key <= last:
                raise Refused("Malformed")
            last, pairs[key] = key, content
        return pairs, rest
    raise Refused("Malformed")


def shape(condition, reason="Malformed"):
    if not condition:
        raise Refused(reason)


def is_bytes(item, length=None):
    return isinstance(item, bytes) and (length is None or len(item) == length)


def is_uint(item):
    return isinstance(item, int) and not isinstance(item, bool)


def open_object(data, kind):
    """The fields after version and kind."""
    shape(len(data) > 0)
    shape(data[0] == 1, "Unsupported")
    # The kind decides before the rest is read.
    shape(len(data) > 2 and data[1] >> 5 == 4)
    found, _ = decode_some(data[2:])
    shape(is_uint(found))
    shape(1 <= found <= 9, "Unsupported")
    shape(encode(found) == data[2 : 2 + len(encode(found))])
    shape(found == KINDS[kind], "Mismatch")
    return decode(data[1:])[1:]


def extensions(fields, fixed, known=()):
    if len(fields) == fixed:
        return {}
    shape(len(fields) == fixed + 1 and isinstance(fields[fixed], dict) and fields[fixed])
    for key, value in fields[fixed].items():
        shape(key % 2 == 1 or key in known, "Unsupported")
        shape(is_bytes(value))
    return fields[fixed]


# --- primitives ---------------------------------------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()


def hash_of(label, *items):
    return sha256(encode(["Sprag v1 " + label, *items]))


def hmac(key, *parts):
    return hmac_module.new(key, b"".join(parts), hashlib.sha256).digest()


def expand(key, length, *info):
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = hmac(key, block, *info, bytes([count]))
        out, count = out + block, count + 1
    return out[:length]


def hkdf(salt, ikm, length, *info):
    return expand(hmac(salt, *ikm), length, *info)


def label(purpose):
    return ("Sprag v1 " + purpose).encode()


def x25519_key(data):
    shape(is_bytes(data, 32))
    value = int.from_bytes(data, "little")
    shape(value < P, "BadKey")
    # A point of small order: eight times it is the neutral element, so any clamped scalar gives zero.
    try:
        X25519PrivateKey.from_private_bytes(bytes(31) + b"\x40").exchange(X25519PublicKey.from_public_bytes(data))
    except ValueError as error:
        raise Refused("BadKey") from error
    return data


def agree(secret, public):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def dh_public(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def sign_public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def signed_bytes(purpose, body):
    return encode(["Sprag v1 " + purpose, body])


def verify(key, purpose, body, signature):
    shape(int.from_bytes(signature[32:], "little") < ORDER, "BadSignature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed_bytes(purpose, body))
    except (InvalidSignature, ValueError) as error:
        raise Refused("BadSignature") from error


def aead_seal(key, nonce, associated, plaintext):
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, associated)


def aead_open(key, nonce, associated, sealed):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, associated)
    except InvalidTag as error:
        raise Refused("Open") from error


# --- who ----------------------------------------------------------------------------------------------------------

def open_list(data):
    shape(len(data) <= 16 * 1024, "TooLarge")
    fields = open_object(data, "list")
    shape(len(fields) == 2 and is_bytes(fields[0]) and is_bytes(fields[1], 64))
    body, signature = fields
    parts = decode(body)
    shape(isinstance(parts, list) and len(parts) in (8, 9))
    account_id, account_key, sequence, previous, issued, expires, ready, entries = parts[:8]
    shape(is_bytes(account_id) and 1 <= len(account_id) <= 64 and is_bytes(account_key, 32))
    shape(is_uint(sequence) and sequence > 0 and is_bytes(previous, 32))
    shape(is_uint(issued) and is_uint(expires) and expires > issued and isinstance(ready, bool))
    shape(isinstance(entries, list) and 1 <= len(entries))
    shape(len(entries) <= 16, "TooLarge")
    extensions(parts, 8)
    devices = [open_entry(account_id, account_key, entry) for entry in entries]
    verify(account_key, "list signature", body, signature)
    ids = [device["id"] for device in devices]
    shape(ids == sorted(set(ids)))
    for key in ("device_key", "identity_key"):
        shape(len({device[key] for device in devices}) == len(devices))
    return {
        "account_id": account_id, "account_key": account_key, "sequence": sequence, "previous": previous,
        "issued": issued, "expires": expires, "ready": ready, "devices": devices, "body": body,
        "signature": signature, "hash": hash_of("list hash", body),
    }


def open_entry(account_id, account_key, signed):
    shape(isinstance(signed, list) and len(signed) == 2 and is_bytes(signed[0]) and is_bytes(signed[1], 64))
    entry = decode(signed[0])
    shape(isinstance(entry, list) and len(entry) in (5, 6))
    device, device_key, identity_key, versions, flags = entry[:5]
    shape(is_uint(device) and device < 2**32 and is_bytes(device_key, 32))
    x25519_key(identity_key)
    shape(isinstance(versions, list) and versions == sorted(set(versions)) and 1 <= len(versions) <= 8)
    shape(is_uint(flags))
    shape(flags <= 1, "Unsupported")
    extensions(entry, 5)
    verify(device_key, "device entry", encode([account_id, account_key, signed[0]]), signed[1])
    return {
        "id": device, "device_key": device_key, "identity_key": identity_key, "versions": versions,
        "holds_account_key": flags == 1,
    }


def check_time(start, end, now):
    shape(start - DAY <= now <= end + DAY, "Expired")


def parse_prekey(data):
    """Body, signature and the body's fields: of the right shape, and not believed."""
    shape(len(data) <= 4096, "TooLarge")
    fields = open_object(data, "prekey")
    shape(len(fields) == 2 and is_bytes(fields[0]) and is_bytes(fields[1], 64))
    body, signature = fields
    parts = decode(body)
    shape(isinstance(parts, list) and len(parts) in (6, 7))
    shape(is_uint(parts[0]) and parts[0] < 2**32)
    shape(parts[1] in (1, 2), "Unsupported")
    x25519_key(parts[2])
    shape(is_bytes(parts[3], 1568) and is_uint(parts[4]) and is_uint(parts[5]) and parts[5] > parts[4])
    check_modulus(parts[3])
    extensions(parts, 6)
    return body, signature, parts


def open_prekey(data, device, kind, now):
    body, signature, parts = parse_prekey(data)
    shape(parts[0] == device["id"] and parts[1] == kind, "Mismatch")
    verify(device["device_key"], "prekey signature", body, signature)
    check_time(parts[4], parts[5], now)
    return {"dh": parts[2], "kem": parts[3], "body": body, "signature": signature,
            "hash": hash_of("prekey hash", data)}


def check_modulus(key):
    """FIPS 203, section 7.2: every coefficient, 12 bits each, below q."""
    bits = int.from_bytes(key[:1536], "little")
    shape(all(bits >> 12 * i & 0xFFF < 3329 for i in range(1024)), "BadKey")


# --- messages -----------------------------------------------------------------------------------------------------

SLOT = 158


def open_envelope(data):
    """Commitment, slots, initial slots, payload: of the right shape, and nothing more is known of them."""
    shape(len(data) <= 3_801_088, "TooLarge")
    fields = open_object(data, "envelope")
    shape(len(fields) == 4 and is_bytes(fields[0], 32) and is_bytes(fields[1]) and len(fields[1]) % SLOT == 0)
    commitment, slots, initial, payload = fields
    shape(isinstance(initial, list) and is_bytes(payload))
    count = len(slots) // SLOT + len(initial)
    shape(count > 0)
    shape(count <= 1_600, "TooLarge")
    for item in initial:
        shape(isinstance(item, list) and len(item) == 6)
        signed, one_time, ephemeral, ciphertext, sealed_id, slot = item
        shape(is_bytes(signed, 8) and (one_time is None or is_bytes(one_time, 8)))
        x25519_key(ephemeral)
        shape(is_bytes(ciphertext, 1568) and is_bytes(sealed_id))
        shape(len(sealed_id) <= 199, "TooLarge")
        shape(is_bytes(slot, SLOT))
    return commitment, slots, initial, payload


def open_content(data):
    """Kind, id, time, conversation, lists, body, extensions."""
    fields = decode(data)
    shape(isinstance(fields, list) and len(fields) in (6, 7))
    kind, message_id, sent, conversation, lists, body = fields[:6]
    shape(is_uint(kind) and is_bytes(message_id) and message_id and is_uint(sent) and is_bytes(body))
    shape(len(message_id) <= 64 and len(body) <= 262_224, "TooLarge")
    others = check_conversation(conversation)
    shape(isinstance(lists, list) and lists and len(lists) % 2 == 0)
    shape(all(map(is_uint, lists[::2])) and all(is_bytes(mac, 8) for mac in lists[1::2]))
    shape(len(lists) // 2 in others)
    check_body(kind, body)
    return kind, message_id, sent, conversation, lists, body, extensions(fields, 6, known=(2,))


def check_id(item):
    shape(is_bytes(item) and item)
    shape(len(item) <= 64, "TooLarge")


def check_conversation(conversation):
    """How many lists can be stated in it."""
    if conversation is None:
        return (1, 2)
    shape(isinstance(conversation, list) and conversation and is_uint(conversation[0]))
    shape(conversation[0] in (1, 2), "Unsupported")
    shape(len(conversation) == conversation[0] + 1)
    check_id(conversation[1])
    if conversation[0] == 1:
        return (1, 2)
    members = conversation[2]
    shape(isinstance(members, list) and members)
    shape(len(members) <= 100, "TooLarge")
    for member in members:
        check_id(member)
    shape(members == sorted(set(members)))
    return (len(members),)


def check_body(kind, body):
    if kind == 1:
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise Refused("Malformed") from error
    if kind == 2:
        app = decode(body)
        shape(isinstance(app, list) and len(app) == 2 and isinstance(app[0], str) and is_bytes(app[1]))
        shape(1 <= len(app[0].encode()) <= 64)
    shape(kind not in (16, 22, 24) or not body)
    if kind == 18:
        entry = decode(body)
        shape(isinstance(entry, list) and len(entry) == 2 and is_bytes(entry[0]) and is_bytes(entry[1], 64))
    if kind == 23:
        decision = decode(body)
        shape(isinstance(decision, list) and len(decision) == 3 and is_uint(decision[0]) and decision[0] < 256)
        check_id(decision[1])
        shape(is_bytes(decision[2], 32))
    if kind in (20, 21):
        shape(body and len(body) % 32 == 0)
        shape(len(body) <= 64 * 32, "TooLarge")


def unpad(padded):
    content = padded.rstrip(b"\0")
    shape(content.endswith(b"\x80") and len(padded) == padded_length(len(content)), "Padding")
    return content[:-1]


def padded_length(length):
    """Padmé's size of a length that counts the 0x80; at least 128."""
    if length <= 128:
        return 128
    exponent = length.bit_length() - 1
    mask = (1 << exponent - exponent.bit_length()) - 1
    return length + mask & ~mask


# --- the files ----------------------------------------------------------------------------------------------------

NUMERIC = ("digits", "scannable", "text", "name", "note", "error", "offered_as", "sender")


def load(name):
    def convert(value, key=None):
        if isinstance(value, dict):
            return {k: convert(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [convert(item) for item in value]
        return bytes.fromhex(value) if isinstance(value, str) and key not in NUMERIC else value

    return convert(json.loads((Path(__file__).parent / name).read_text(encoding="utf-8")))
