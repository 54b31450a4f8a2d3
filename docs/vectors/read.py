#!/usr/bin/env python3
"""An independent reader of Sprag's vectors.

It shares no code with Sprag: its own CBOR (`objects.py`), its own key schedule, `cryptography` for the curves and the
cipher, `kyber-py` for ML-KEM. It verifies lists and prekeys, repeats the handshakes as their responder, and opens a
first message and three replies from their bytes, holding every intermediate value against the frozen one.

    pip install cryptography kyber-py
    python3 docs/vectors/read.py
"""

import hashlib
import sys

from braid import Authenticator, Braid, EpochChains, encode_chunk, parse_header
from objects import (
    Refused, aead_open, agree, decode, dh_public, encode, expand, hash_of, hkdf, hmac, is_uint, label, load,
    open_content, open_envelope, open_list, open_prekey, padded_length, sha256, shape, sign_public, unpad, x25519_key,
)

try:
    from kyber_py.ml_kem import ML_KEM_1024, ML_KEM_768
except ImportError as missing:
    sys.exit(f"{missing}: pip install kyber-py")


def safety_number(one, other):
    (id_low, key_low), (id_high, key_high) = sorted((one, other), key=lambda account: account[::-1])
    hashed = encode(["Sprag v1 safety number", id_low, key_low, id_high, key_high])
    digest = hashlib.sha512(hashed).digest()
    digits = "".join(f"{int.from_bytes(digest[i:i + 5], 'big') % 100_000:05}" for i in range(0, 60, 5))
    return hashed, digest, digits, "SPRAG:1:" + digest.hex().upper()


# --- handshake ----------------------------------------------------------------------------------------------------

def respond(responder, fields, check, resumption=None):
    """The responder's side, from the five fields. `check(name, value)` holds each value against the frozen one."""
    signed_id, one_time_id, ephemeral, ciphertext, sealed_id = fields
    signed, one_time = responder["signed_prekey"], responder["one_time_prekey"]
    shape(signed_id == signed["id"] and one_time_id in (None, one_time["id"]), "Mismatch")
    x25519_key(ephemeral)
    used = one_time if one_time_id else signed
    dh2 = check("dh2", agree(responder["identity_secret"], ephemeral))
    dh3 = check("dh3", agree(signed["dh_secret"], ephemeral))
    dh4 = check("dh4", agree(one_time["dh_secret"], ephemeral) if one_time_id else None)
    _, decapsulation_key = ML_KEM_1024.key_derive(used["kem_seed"])
    shared = check("kem_shared_secret", ML_KEM_1024.decaps(decapsulation_key, ciphertext))
    h1 = check("h1", hash_of(
        "handshake offer", 1, responder["account_id"], responder["account_key"], responder["device_id"],
        responder["device_key"], responder["identity_key"], signed["hash"],
        one_time["hash"] if one_time_id else None, ephemeral, ciphertext))
    parts = [dh2, dh3] + ([dh4] if one_time_id else []) + [shared]
    k1 = check("k1", hkdf(h1, parts, 32, label("handshake identity key")))
    claim = check("claim", aead_open(k1, bytes(12), b"", sealed_id))
    account_id, account_key, device, device_key, identity_key, resumption_id = decode(claim)
    x25519_key(identity_key)
    dh1 = check("dh1", agree(signed["dh_secret"], identity_key))
    transcript = check("transcript", hash_of("handshake transcript", h1, claim, one_time_id is not None))
    extra = []
    if resumption_id is not None:
        shape(resumption is not None and hash_of("resumption id", resumption)[:8] == resumption_id, "KeyGone")
        extra = [resumption]
    keys = hkdf(bytes(32), [b"\xff" * 32, dh1, *parts, *extra], 160, label("handshake secret"), transcript)
    names = ("root_key", "header_key", "next_header_key", "braid_authenticator", "braid_chains")
    result = {name: check(name, keys[32 * i : 32 * i + 32]) for i, name in enumerate(names)}
    claimed = {"account_id": account_id, "account_key": account_key, "device_id": device,
               "device_key": device_key, "identity_key": identity_key}
    return {"transcript": transcript, "claim": claimed, **result}


def binding(fields):
    return hash_of("handshake fields", *fields)


# --- messages -----------------------------------------------------------------------------------------------------

class Chain:
    """A chain of message keys, found by a header key."""

    def __init__(self, header_key, chain_key):
        self.header_key, self.chain_key, self.next = header_key, chain_key, 0

    def step(self):
        key = hmac(self.chain_key, b"\x01")
        self.chain_key = hmac(self.chain_key, b"\x02")
        self.next += 1
        return key


class Receiver:
    """One direction of a session, as its receiver sees it. `peer` is the sender's side: 0 is the initiator."""

    def __init__(self, start, root, ours, header_key, peer):
        self.transcript, self.root, self.ours, self.next_header_key = start["transcript"], root, ours, header_key
        self.chain, self.theirs, self.peer = None, None, peer
        self.epochs = EpochChains(start["braid_chains"])
        self.braid = Braid(start["braid_authenticator"], begins=peer == 1)

    def open(self, slot, bound, fields_hash, check):
        """The content key. Bound: commitment, payload hash."""
        nonce, sealed_header, body = slot[4:16], slot[16:110], slot[110:]
        associated = b"\x01\x01" + b"".join(bound) + fields_hash + body
        header = None
        if self.chain:
            try:
                header = aead_open(self.chain.header_key, nonce, associated, sealed_header)
            except Refused:
                pass
        if header is None:
            header = aead_open(self.next_header_key, nonce, associated, sealed_header)
            self.turn(header[:32])
        check("header", header)
        check("nonce", nonce)
        check("header_key", self.chain.header_key)
        _, _, n, epoch, pq_n, carried = parse_header(header)
        shape(n == self.chain.next)
        ec_key = check("ec_message_key", self.chain.step())
        number, pq_key = self.epochs.step(epoch - 1, self.peer, check)
        shape(check("pq_n", pq_n) == number, "Evidence")
        kind, index, chunk = carried
        check("braid", {"epoch": epoch, "type": kind, "index": index, "chunk": chunk})
        key = check("message_key", hmac(pq_key, ec_key))
        body_key = check("body_key", expand(
            key, 32, label("slot body"), self.transcript, nonce, header, *bound, fields_hash))
        self.message_key, self.header = key, header
        content_key = check("content_key", aead_open(body_key, bytes(12), b"", body))
        # No key can come out of as few messages as there are here.
        assert self.braid.receive(epoch, carried) is None
        return content_key

    def turn(self, theirs):
        x25519_key(theirs)
        self.theirs = theirs
        keys = hkdf(self.root, [agree(self.ours, theirs)], 96, label("root step"))
        self.root, chain_key, after = keys[:32], keys[32:64], keys[64:]
        self.chain = Chain(self.next_header_key, chain_key)
        self.next_header_key = after


def open_message(data, receiver, sender, recipient, check, ratchet, claim_of=None):
    """Opens an envelope. `ratchet` is a Receiver, or makes one from the handshake's fields."""
    commitment, slots, initial, payload = open_envelope(data)
    check("commitment", commitment)
    payload_hash = check("payload_hash", sha256(payload))
    hint_key = check("hint_key", hkdf(
        bytes(32), [agree(receiver["identity_secret"], sender["identity_key"])], 32, label("hint key")))
    hint = hmac(hint_key, label("hint"), sender["device_key"], commitment)[:4]
    if initial:
        shape(len(initial) == 1)
        handshake, slot = initial[0][:5], initial[0][5]
        fields_hash = check("fields_binding", binding(handshake))
        ratchet = ratchet(handshake)
    else:
        slot, fields_hash = slots[:158], b""
    shape(len(slot) == 158 and slot[:4] == hint, "NotAddressed")
    check("slot", slot)
    content_key = ratchet.open(slot, [commitment, payload_hash], fields_hash, check)
    payload_key = check("payload_key", expand(content_key, 32, label("payload")))
    padded = aead_open(payload_key, bytes(12), b"\x01\x01" + commitment, payload)
    content = check("content", unpad(padded))
    audience = check("audience", hash_of("audience direct", sender["account_id"], recipient["account_id"]))
    franking_key = check("franking_key", expand(content_key, 32, label("franking")))
    shape(hmac(franking_key, audience, content) == commitment, "Commitment")
    kind, _, _, direct, lists, body, extension = open_content(content)
    shape(kind == 1 and direct is None)
    mac_key = check("list_mac_key", expand(content_key, 32, label("list mac")))
    for index, person in enumerate((sender, recipient)):
        known = open_list(person["list"])
        shape(lists[2 * index] == known["sequence"] and lists[2 * index + 1] == hmac(mac_key, known["hash"])[:8])
    return body.decode(), extension, ratchet


# --- the files ----------------------------------------------------------------------------------------------------

def checker(frozen, where):
    def check(name, value):
        if name in frozen and frozen[name] != value:
            raise AssertionError(f"{where}: {name} is {value!r}, frozen is {frozen[name]!r}")
        return value

    return check


def same(frozen, found, where):
    for name, value in found.items():
        if name in frozen and frozen[name] != value:
            raise AssertionError(f"{where}: {name} is {value!r}, frozen is {frozen[name]!r}")


def check_person(person):
    assert sign_public(person["account_seed"]) == person["account_key"]
    assert sign_public(person["device_seed"]) == person["device_key"]
    assert dh_public(person["identity_secret"]) == person["identity_key"]
    assert hash_of("account key fingerprint", person["account_key"]) == person["account_fingerprint"]
    hedge = hkdf(bytes(32), [person["device_seed"], person["identity_secret"]], 32, label("device hedge"))
    assert hedge == person["device_hedge"]
    listed = open_list(person["list"])
    same(person, {"account_id": listed["account_id"], "account_key": listed["account_key"]}, "list")
    assert listed["devices"][0]["id"] == person["device_id"]


def read_lists():
    file = load("lists.json")
    for person in file["people"]:
        check_person(person)
    previous = None
    for frozen in file["lists"]:
        found = open_list(frozen["object"])
        same(frozen, found, "list")
        if previous:
            assert found["previous"] == previous["hash"] and found["sequence"] == previous["sequence"] + 1
        previous = found
    accounts = [(person["account_id"], person["account_key"]) for person in file["people"]]
    hashed, digest, digits, scannable = safety_number(*accounts)
    assert safety_number(*reversed(accounts)) == (hashed, digest, digits, scannable)
    same(file["safety_number"], {"hashed": hashed, "sha512": digest, "digits": digits, "scannable": scannable}, "safety")
    return f"{len(file['lists'])} lists, 1 safety number"


def read_prekeys():
    file = load("prekeys.json")
    check_person(file["owner"])
    device = open_list(file["owner"]["list"])["devices"][0]
    for name, kind in (("signed", 1), ("one_time", 2)):
        frozen = file[name]
        found = open_prekey(frozen["object"], device, kind, file["now"])
        same(frozen, found, name)
        assert frozen["id"] == found["hash"][:8]
        assert dh_public(frozen["dh_secret"]) == found["dh"]
        assert ML_KEM_1024.key_derive(frozen["kem_seed"])[0] == found["kem"]
    return "2 prekeys"


def read_handshakes():
    file = load("handshake.json")
    check_person(file["initiator"])
    check_person(file["responder"])
    resumption = file["resumption"]
    secret = hkdf(bytes(32), [resumption["root_key"]], 32, label("resumption secret"), resumption["transcript"])
    assert secret == resumption["secret"] and hash_of("resumption id", secret)[:8] == resumption["id"]
    epoch = label("resumption epoch")
    assert resumption["next"] == hkdf(secret, [resumption["epoch_root"]], 32, epoch, resumption["transcript"])
    for case in file["cases"]:
        check = checker(case, case["name"])
        fields = decode(case["fields"])
        check("binding", binding(fields))
        established = respond(file["responder"], fields, check, resumption["secret"])
        same(file["initiator"], established["claim"], case["name"])
        begin(file, case, fields, check)
    return f"{len(file['cases'])} handshakes"


def begin(file, case, fields, check):
    """The initiator's fresh keys, from its random bytes."""
    initiator, responder = file["initiator"], file["responder"]
    claim_hash = check("claim_hash", hash_of("handshake claim", case["claim"]))
    one_time = fields[1]
    fresh = hkdf(case["random"], [initiator["device_hedge"]], 64, label("handshake ephemeral"),
                 responder["device_key"], fields[0], bytes([one_time is not None]), one_time or bytes(8), claim_hash)
    check("ephemeral_secret", fresh[:32])
    check("kem_randomness", fresh[32:])
    assert dh_public(fresh[:32]) == fields[2]
    used = responder["one_time_prekey" if one_time else "signed_prekey"]
    public, _ = ML_KEM_1024.key_derive(used["kem_seed"])
    shared, ciphertext = ML_KEM_1024._encaps_internal(public, fresh[32:])
    assert ciphertext == fields[3] and shared == check("kem_shared_secret", shared)


def read_messages():
    file = load("messages.json")
    alice, bob = file["initiator"], file["responder"]
    check_person(alice)
    check_person(bob)
    people = {person["account_id"]: person for person in (alice, bob)}
    start = {}

    def handshake(fields):
        established = respond(bob, fields, checker(file["start"], "start"))
        same(alice, established["claim"], "claim")
        start.update(established)
        return Receiver(established, established["root_key"], bob["signed_prekey"]["dh_secret"],
                        established["header_key"], peer=0)

    ratchets = {bob["account_id"]: handshake, alice["account_id"]: None}
    texts = []
    for number, frozen in enumerate(file["messages"], 1):
        sender, recipient = people[frozen["from"]], people[frozen["to"]]
        check = checker(frozen, f"message {number}")
        turn = frozen["turn"]
        if turn:
            check_turn(turn, ratchets, sender, recipient, start, bob)
        text, extension, ratchet = open_message(
            frozen["envelope"], recipient, sender, recipient, check, ratchets[recipient["account_id"]])
        ratchets[recipient["account_id"]] = ratchet
        if number == 1:
            assert extension[2] == alice["list"], "a first message carries its sender's list"
        if turn:
            same(turn, {"ratchet_key": ratchet.theirs, "root_key": ratchet.root}, f"message {number}")
            follow(ratchets, sender, ratchet, turn)
        check_sender(frozen, sender, recipient, ratchet, check)
        assert text == frozen["text"], text
        texts.append(text)
        if number == 2:
            resumption = hkdf(bytes(32), [ratchet.root], 32, label("resumption secret"), start["transcript"])
            assert resumption == file["resumption_secret"]
            assert hash_of("resumption id", resumption)[:8] == file["resumption_id"]
    check_braid(file)
    return f"{len(texts)} messages: " + " | ".join(texts)


def check_braid(file):
    """What the initiator sends in pieces, from its random bytes."""
    frozen, check = file["braid"], checker(file["braid"], "braid")
    authenticator = Authenticator(bytes(32)).update(1, file["start"]["braid_authenticator"])
    assert vars(authenticator) == frozen["authenticator"]
    seed = check("seed", authenticator.hedged(frozen["random"], 64, "braid seed", 1))
    key, _ = ML_KEM_768.key_derive(seed)
    header = check("header", key[1152:] + hashlib.sha3_256(key).digest())
    whole = check("object", header + authenticator.mac("braid header", 1, header))
    chains = EpochChains(file["start"]["braid_chains"])
    sides = [chain for chain, _ in chains.chains[0]]
    same(file["chains"], {"root": chains.root, "initiator": sides[0], "responder": sides[1]}, "chains")
    for message in file["messages"]:
        carried = message["braid"]
        assert carried["type"] in (0, 1) and (carried["type"] == 1) == (message["from"] == b"alice")
        assert carried["type"] == 0 or carried["chunk"] == encode_chunk(whole, carried["index"])


def check_turn(turn, ratchets, sender, recipient, start, bob):
    """The sender's fresh ratchet key, from its random bytes, where the root before it is known already."""
    before = ratchets[sender["account_id"]]
    if isinstance(before, Receiver):
        secret = hkdf(turn["random"], [before.root], 32, label("ratchet key"), start["transcript"])
        assert secret == turn["ratchet_secret"] and dh_public(secret) == turn["ratchet_key"]
        assert agree(secret, before.theirs) == turn["agreed"]


def follow(ratchets, sender, ratchet, turn):
    """The sender's own view after its turn: it will receive under the key that its peer's chain announced."""
    mine = sender["account_id"]
    before = ratchets[mine]
    if isinstance(before, Receiver):
        before.root, before.ours = ratchet.root, turn["ratchet_secret"]
    else:
        # The initiator after its first message: the next header key of the handshake is the responder's.
        start = load("messages.json")["start"]
        ratchets[mine] = Receiver(start, ratchet.root, turn["ratchet_secret"], start["next_header_key"], peer=1)
        # It has sent its first chunk: what it may be sent has changed by that.
        ratchets[mine].braid.send(lambda: load("messages.json")["braid"]["random"])


def check_sender(frozen, sender, recipient, ratchet, check):
    """What the sender derived from its random bytes: content key and nonce."""
    blank = decode(frozen["content"])
    blank[4] = [item if is_uint(item) else bytes(8) for item in blank[4]]
    blank = encode(blank) + b"\x80"
    blank += bytes(padded_length(len(blank)) - len(blank))
    hashes = [open_list(person["list"])["hash"] for person in (sender, recipient)]
    key = hkdf(frozen["content_random"], [sender["device_hedge"]], 32, label("content key"),
               check("blank_padded_hash", sha256(blank)), check("lists_hash", hash_of("lists", *hashes)),
               check("devices_hash", hash_of("devices", recipient["device_key"])), frozen["audience"])
    check("content_key", key)
    nonce_key = check("nonce_key", expand(ratchet.message_key, 32, label("slot nonce key")))
    nonce = hmac(nonce_key, label("slot nonce"), frozen["slot_random"], ratchet.header, frozen["commitment"],
                 frozen["payload_hash"], frozen["fields_binding"] or b"")[:12]
    check("nonce", nonce)


def main():
    for read in (read_lists, read_prekeys, read_handshakes, read_messages):
        print("ok", read())


if __name__ == "__main__":
    main()
