#!/usr/bin/env python3
"""Reads the vectors of this directory without a line of Sprag: a second implementation, from docs/protocol.md.

It verifies the lists and prekeys, opens the handshakes as the responder does, and opens a first message and three
replies from their bytes alone, comparing every intermediate value with the file. It needs two packages:
`pip install cryptography kyber-py`. Exit code 0 means that everything held.
"""

import hashlib
import hmac as hmac_module
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from kyber_py.ml_kem import ML_KEM_1024

HERE = pathlib.Path(__file__).parent
SLOT = 158


# -- deterministic CBOR, as much of it as Sprag uses ------------------------------------------------------------------


def head(major: int, value: int) -> bytes:
    """The shortest head of a major type with its value."""
    if value < 24:
        return bytes([major << 5 | value])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | extra]) + value.to_bytes(size, "big")
    raise ValueError("too large")


def encode(item) -> bytes:
    """Encodes integers, bytes, texts, lists, booleans and None."""
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
    return head(4, len(item)) + b"".join(encode(part) for part in item)


def decode_at(data: bytes, at: int):
    """Decodes one item; gives it and where the next one begins."""
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True, 22: None}[low], at
    if low >= 24:
        size = 1 << (low - 24)
        value = int.from_bytes(data[at : at + size], "big")
        at += size
        if head(major, value)[1:] != data[at - size : at]:
            raise ValueError("not the shortest encoding")
    else:
        value = low
    if major == 0:
        return value, at
    if major in (2, 3):
        part = data[at : at + value]
        if len(part) != value:
            raise ValueError("cut off")
        return (part if major == 2 else part.decode()), at + value
    items = []
    for _ in range(value * (2 if major == 5 else 1)):
        item, at = decode_at(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2])) if major == 5 else items), at


def decode(data: bytes):
    """Decodes one item that fills the data."""
    item, at = decode_at(data, 0)
    if at != len(data):
        raise ValueError("something follows")
    return item


def read_object(data: bytes, kind: int) -> list:
    """Version byte, then an array that begins with the kind."""
    fields = decode(data[1:])
    if data[0] != 1 or fields[0] != kind:
        raise ValueError("another object")
    return fields[1:]


# -- primitives -------------------------------------------------------------------------------------------------------


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def labelled(label: str, *items) -> bytes:
    """SHA-256 of the CBOR array of a label and what follows."""
    return sha256(encode(["Sprag v1 " + label, *items]))


def mac(key: bytes, *parts: bytes) -> bytes:
    return hmac_module.new(key, b"".join(parts), hashlib.sha256).digest()


def expand(key: bytes, label: str, *info: bytes, length: int = 32) -> bytes:
    """HKDF-Expand."""
    block, out, count = b"", b"", 1
    while len(out) < length:
        block = mac(key, block, b"Sprag v1 " + label.encode(), *info, bytes([count]))
        out += block
        count += 1
    return out[:length]


def hkdf(salt: bytes, ikm: bytes, label: str, *info: bytes, length: int = 32) -> bytes:
    return expand(mac(salt, ikm), label, *info, length=length)


def agree(secret: bytes, public: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def public_of(secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def decapsulate(seed: bytes, ciphertext: bytes) -> bytes:
    _, private = ML_KEM_1024.key_derive(seed)
    return ML_KEM_1024.decaps(private, ciphertext)


def unseal(key: bytes, sealed: bytes, ad: bytes = b"", nonce: bytes = bytes(12)) -> bytes:
    return ChaCha20Poly1305(key).decrypt(nonce, sealed, ad)


def verify(key: bytes, label: str, body: bytes, signature: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(key).verify(signature, encode(["Sprag v1 " + label, body]))


# -- comparison -------------------------------------------------------------------------------------------------------

compared = 0


def same(name: str, ours, theirs: str | None) -> None:
    """What we computed is what the file says."""
    global compared
    compared += 1
    ours = ours.hex() if isinstance(ours, bytes) else ours
    if ours != theirs:
        sys.exit(f"{name}: computed {ours}, the file says {theirs}")


def load(name: str) -> dict:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def raw(record: dict, key: str) -> bytes:
    return bytes.fromhex(record[key])


# -- lists and prekeys ------------------------------------------------------------------------------------------------


def read_list(data: bytes) -> tuple[list, bytes]:
    """A device list: its fields and its hash, with every signature verified."""
    body, signature = read_object(data, 3)
    fields = decode(body)
    account, key = fields[:2]
    verify(key, "list signature", body, signature)
    for entry, entry_signature in fields[7]:
        verify(decode(entry)[1], "device entry", encode([account, key, entry]), entry_signature)
    return fields, labelled("list hash", body)


def check_person(person: dict) -> None:
    key = Ed25519PrivateKey.from_private_bytes(raw(person, "account_seed")).public_key().public_bytes_raw()
    same("account key", key, person["account_key"])
    key = Ed25519PrivateKey.from_private_bytes(raw(person, "device_seed")).public_key().public_bytes_raw()
    same("device key", key, person["device_key"])
    same("identity key", public_of(raw(person, "identity_secret")), person["identity_key"])
    fields, _ = read_list(raw(person, "list"))
    same("account of the list", fields[0], person["account_id"])


def check_prekey(prekey: dict, owner: dict) -> None:
    data = raw(prekey, "object")
    body, signature = read_object(data, 4)
    same("prekey body", body, prekey["body"])
    verify(raw(owner, "device_key"), "prekey signature", body, signature)
    fields = decode(body)
    same("prekey", public_of(raw(prekey, "dh_secret")), fields[2].hex())
    same("KEM prekey", ML_KEM_1024.key_derive(raw(prekey, "kem_seed"))[0], fields[3].hex())
    same("prekey hash", labelled("prekey hash", data), prekey["hash"])


def check_lists() -> None:
    vectors = load("lists.json")
    for person in vectors["people"]:
        check_person(person)
    before = None
    for record in vectors["lists"]:
        fields, digest = read_list(raw(record, "object"))
        same("list hash", digest, record["hash"])
        if before is not None:
            same("previous list", before, fields[3].hex())
        before = digest


# -- the handshake, as the responder ----------------------------------------------------------------------------------


def open_handshake(fields: list, owner: dict, resumption: bytes = b"") -> dict:
    """From the five fields of a first message to the claim and the session's first keys."""
    signed_id, one_time_id, ephemeral, ciphertext, sealed_id = fields
    signed, one_time = owner["signed_prekey"], owner["one_time_prekey"] if one_time_id else None
    assert raw(signed, "hash")[:8] == signed_id and (not one_time or raw(one_time, "hash")[:8] == one_time_id)
    values = {
        "dh2": agree(raw(owner, "identity_secret"), ephemeral),
        "dh3": agree(raw(signed, "dh_secret"), ephemeral),
        "dh4": agree(raw(one_time, "dh_secret"), ephemeral) if one_time else None,
        "kem_shared_secret": decapsulate(raw(one_time or signed, "kem_seed"), ciphertext),
    }
    shared = b"".join(value for value in values.values() if value)
    h1 = labelled(
        "handshake offer",
        1,
        raw(owner, "account_id"),
        raw(owner, "account_key"),
        owner["device_id"],
        raw(owner, "device_key"),
        raw(owner, "identity_key"),
        raw(signed, "hash"),
        raw(one_time, "hash") if one_time else None,
        ephemeral,
        ciphertext,
    )
    k1 = hkdf(h1, shared, "handshake identity key")
    claim = unseal(k1, sealed_id)
    dh1 = agree(raw(signed, "dh_secret"), decode(claim)[4])
    transcript = labelled("handshake transcript", h1, claim, one_time is not None)
    ikm = b"\xff" * 32 + dh1 + shared + resumption
    keys = hkdf(bytes(32), ikm, "handshake secret", transcript, length=160)
    names = ["root_key", "header_key", "next_header_key", "braid_authenticator", "braid_chains"]
    values |= {"h1": h1, "k1": k1, "claim": claim, "dh1": dh1, "transcript": transcript}
    values |= {name: keys[32 * i : 32 * i + 32] for i, name in enumerate(names)}
    values["binding"] = sha256(encode(["Sprag v1 handshake fields", *fields]))
    return values


def check_handshakes() -> None:
    vectors = load("handshake.json")
    owner = vectors["responder"]
    for person in (vectors["initiator"], owner):
        check_person(person)
    for name in ("signed_prekey", "one_time_prekey"):
        check_prekey(owner[name], owner)
    given = vectors["resumption"]
    resumption = hkdf(bytes(32), raw(given, "root_key"), "resumption secret", raw(given, "transcript"))
    same("resumption secret", resumption, given["secret"])
    same("resumption id", labelled("resumption id", resumption)[:8], given["id"])
    for case in vectors["cases"]:
        fields = decode(raw(case, "fields"))
        resumed = decode(raw(case, "claim"))[5] is not None
        for name, value in open_handshake(fields, owner, resumption if resumed else b"").items():
            same(f"{case['name']}: {name}", value, case[name])


# -- the ratchet ------------------------------------------------------------------------------------------------------


class Side:
    """One side of a session, which opens messages, and turns its root when it is told with which key it answered."""

    def __init__(self, keys: dict, ours: bytes, sending: bytes, receiving: bytes):
        self.transcript, self.root, self.ours, self.theirs = keys["transcript"], keys["root_key"], ours, None
        self.next_sending, self.next_receiving = sending, receiving
        self.header_key = self.chain = None
        self.number = 0

    def turn(self, theirs: bytes) -> tuple[bytes, bytes]:
        """Mixes an agreement into the root: the new chain's key, and the header key of the chain after it."""
        keys = hkdf(self.root, agree(self.ours, theirs), "root step", length=96)
        self.root = keys[:32]
        return keys[32:64], keys[64:]

    def answered(self, secret: bytes, theirs: bytes | None = None) -> None:
        """The ratchet key with which this side began to send."""
        self.ours = secret
        _, self.next_sending = self.turn(theirs or self.theirs)

    def open(self, slot: bytes, bound: bytes) -> dict:
        """The content key of a slot that is bound to an envelope, with all that leads to it."""
        nonce, sealed_header, body = slot[4:16], slot[16:110], slot[110:]
        ad = b"\x01\x01" + bound + body
        try:
            header = unseal(self.header_key, sealed_header, ad, nonce) if self.header_key else None
        except InvalidTag:
            header = None
        if header is None:
            header = unseal(self.next_receiving, sealed_header, ad, nonce)
            self.header_key, self.theirs, self.number = self.next_receiving, header[:32], 0
            self.chain, self.next_receiving = self.turn(self.theirs)
        assert int.from_bytes(header[35:38], "big") == self.number and not any(header[38:])
        ec_key, self.chain = mac(self.chain, b"\x01"), mac(self.chain, b"\x02")
        self.number += 1
        # The post-quantum ratchet's key is 32 zeros until that ratchet joins.
        message_key = mac(bytes(32), ec_key)
        body_key = expand(message_key, "slot body", self.transcript, nonce, header, bound)
        return {
            "header_key": self.header_key,
            "header": header,
            "ec_message_key": ec_key,
            "message_key": message_key,
            "nonce": nonce,
            "body_key": body_key,
            "content_key": unseal(body_key, body),
        }


def open_envelope(data: bytes, side: Side, audience: bytes) -> tuple[dict, list]:
    """Opens an envelope with one slot: every value on the way, and the content."""
    commitment, slots, initial, payload = read_object(data, 1)
    payload_hash = sha256(payload)
    binding = None
    if initial:
        *fields, slots = initial[0]
        binding = sha256(encode(["Sprag v1 handshake fields", *fields]))
    assert len(slots) == SLOT
    values = side.open(slots, commitment + payload_hash + (binding or b""))
    content_key = values["content_key"]
    payload_key = expand(content_key, "payload")
    padded = unseal(payload_key, payload, b"\x01\x01" + commitment)
    content = padded.rstrip(b"\0")
    assert content[-1] == 0x80
    content = content[:-1]
    franking_key = expand(content_key, "franking")
    assert hmac_module.compare_digest(mac(franking_key, audience, content), commitment), "the commitment does not open"
    values |= {
        "slot": slots,
        "commitment": commitment,
        "payload_hash": payload_hash,
        "fields_binding": binding,
        "payload_key": payload_key,
        "content": content,
        "franking_key": franking_key,
        "audience": audience,
    }
    return values, decode(content)


def check_messages() -> None:
    vectors = load("messages.json")
    alice, bob = vectors["initiator"], vectors["responder"]
    messages = vectors["messages"]
    first = read_object(raw(messages[0], "envelope"), 1)
    *fields, _ = first[2][0]
    keys = open_handshake(fields, bob)
    for name in ("transcript", "root_key", "header_key", "next_header_key"):
        same(name, keys[name], vectors["start"][name])
    signed = raw(bob["signed_prekey"], "dh_secret")
    sides = {
        alice["account_id"]: Side(keys, b"", keys["header_key"], keys["next_header_key"]),
        bob["account_id"]: Side(keys, signed, keys["next_header_key"], keys["header_key"]),
    }
    lists = {person["account_id"]: read_list(raw(person, "list"))[1] for person in (alice, bob)}
    people = {person["account_id"]: person for person in (alice, bob)}
    for at, message in enumerate(messages):
        sender, receiver = message["from"], message["to"]
        if message["turn"]:
            secret = raw(message["turn"], "ratchet_secret")
            sides[sender].answered(secret, public_of(signed) if at == 0 else None)
        audience = labelled("audience direct", bytes.fromhex(sender), bytes.fromhex(receiver))
        values, content = open_envelope(raw(message, "envelope"), sides[receiver], audience)
        for name, value in values.items():
            same(f"message {at}: {name}", value, message[name])
        kind, _, _, _, stated, body = content[:6]
        same(f"message {at}: kind", kind, 1)
        same(f"message {at}: text", body.decode(), message["text"])
        list_mac_key = expand(values["content_key"], "list mac")
        same(f"message {at}: its sender's list", stated[1], mac(list_mac_key, lists[sender])[:8].hex())
        same(f"message {at}: its receiver's list", stated[3], mac(list_mac_key, lists[receiver])[:8].hex())
        pair = agree(raw(people[receiver], "identity_secret"), raw(people[sender], "identity_key"))
        hint_key = hkdf(bytes(32), pair, "hint key")
        same(f"message {at}: hint key", hint_key, message["hint_key"])
        hint = mac(hint_key, b"Sprag v1 hint", raw(people[sender], "device_key"), values["commitment"])[:4]
        same(f"message {at}: hint", hint, values["slot"][:4].hex())


def main() -> None:
    check_lists()
    check_handshakes()
    check_messages()
    print(f"{compared} values computed here are those of the files")


if __name__ == "__main__":
    try:
        main()
    except (InvalidTag, InvalidSignature) as error:
        sys.exit(f"something authentic was refused: {type(error).__name__}")
