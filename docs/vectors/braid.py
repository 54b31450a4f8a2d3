#!/usr/bin/env python3
"""The post-quantum ratchet, a second time: the erasure code, the braid with its states, the chains of its epochs, and the
session that joins them with the Double Ratchet.

It shares no code with Sprag: `kyber-py` for ML-KEM, `objects.py` for the rest. It holds the erasure code of
`braid.json` against its own, then plays both sides of the session there from their random bytes: every slot must come
out byte for byte, and open on the other side.

    pip install cryptography kyber-py
    python3 docs/vectors/braid.py
"""

import hashlib
import sys

from objects import Refused, aead_open, aead_seal, agree, dh_public, expand, hkdf, hmac, label, load, shape, x25519_key

try:
    from kyber_py.ml_kem import ML_KEM_768
except ImportError as missing:
    sys.exit(f"{missing}: pip install kyber-py")

CHUNK = 32
NONE, HDR, EK, EK_CT1_ACK, CT1, CT2 = range(6)
LIMIT = 2**24 - 1


# --- the erasure code ---------------------------------------------------------------------------------------------

def multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


INVERSE = {a: next(b for b in range(256) if multiply(a, b) == 1) for a in range(1, 256)}


def interpolate(points, x):
    """The value at x of the polynomial through the points (place, 32 bytes), byte by byte."""
    out = bytes(CHUNK)
    for place, chunk in points:
        factor = 1
        for other, _ in points:
            if other != place:
                factor = multiply(factor, multiply(x ^ other, INVERSE[place ^ other]))
        out = bytes(had ^ multiply(factor, byte) for had, byte in zip(out, chunk))
    return out


def cut(data):
    return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]


def encode_chunk(data, index):
    chunks = cut(data)
    return chunks[index] if index < len(chunks) else interpolate(list(enumerate(chunks)), index)


class Decoder:
    def __init__(self, length):
        self.needed, self.chunks = length // CHUNK, {}

    def take(self, index, chunk):
        """The object, once enough of it is there."""
        shape(self.chunks.setdefault(index, chunk) == chunk, "Evidence")
        if len(self.chunks) < self.needed:
            return None
        points = list(self.chunks.items())[: self.needed]
        return b"".join(self.chunks.get(place) or interpolate(points, place) for place in range(self.needed))


# --- keys ---------------------------------------------------------------------------------------------------------

def number(value, size=8):
    return value.to_bytes(size, "big")


class Authenticator:
    def __init__(self, root, mac_key=None):
        self.root, self.mac_key = root, mac_key

    def update(self, epoch, key):
        keys = hkdf(self.root, [key], 64, label("braid authenticator"), number(epoch))
        return Authenticator(keys[:32], keys[32:])

    def mac(self, purpose, epoch, data):
        return hmac(self.mac_key, label(purpose), number(epoch), data)

    def hedged(self, random, length, purpose, epoch, what=b""):
        return hkdf(random, [self.root], length, label(purpose), number(epoch), what)


def output_key(shared, epoch):
    return hkdf(bytes(32), [shared], 32, label("braid key"), number(epoch))


def encapsulate(header, vector, randomness):
    """FIPS 203 with the encapsulation key put together: first and second ciphertext, and the secret."""
    shared, ciphertext = ML_KEM_768._encaps_internal(vector + header[:32], randomness)
    return ciphertext[:960], ciphertext[960:], shared


def check_vector(header, vector):
    bits = int.from_bytes(vector, "little")
    good = all(bits >> 12 * i & 0xFFF < 3329 for i in range(768))
    return good and hashlib.sha3_256(vector + header[:32]).digest() == header[32:]


class EpochChains:
    """Chains by epoch, [initiator's, responder's], each [chain key, last number]."""

    def __init__(self, secret):
        self.newest, self.chains = -1, {}
        self._with(hkdf(bytes(32), [secret], 96, label("epoch start")))

    def add(self, epoch, key):
        assert epoch == self.newest + 1
        self._with(hkdf(self.root, [key], 96, label("epoch add")))

    def _with(self, keys):
        self.newest += 1
        self.root = keys[:32]
        self.chains[self.newest] = [[keys[32:64], 0], [keys[64:], 0]]

    def step(self, epoch, side, check=lambda name, value: value):
        """The next number of a side in an epoch, and its key."""
        chain = self.chains[epoch][side]
        check("pq_chain_key", chain[0])
        chain[1] += 1
        keys = hkdf(bytes(32), [chain[0]], 64, label("epoch step"), number(chain[1], 4))
        chain[0] = keys[:32]
        return chain[1], check("pq_message_key", keys[32:])


# --- the header ---------------------------------------------------------------------------------------------------

def parse_header(header):
    """Ratchet key, PN, N, pq epoch, pq N and (type, index, chunk); refuses what no sender writes."""
    shape(len(header) == 78)
    x25519_key(header[:32])
    pn, n, epoch, pq_n = (int.from_bytes(header[at : at + 3], "big") for at in (32, 35, 38, 41))
    kind, index, chunk = header[44], header[45], header[46:]
    shape(n < LIMIT and 0 < epoch < LIMIT and 0 < pq_n < LIMIT and kind <= CT2)
    shape(kind != NONE or (index, chunk) == (0, bytes(CHUNK)))
    return header[:32], pn, n, epoch, pq_n, (kind, index, chunk)


def make_header(dh, pn, n, epoch, pq_n, carried):
    kind, index, chunk = carried
    return dh + b"".join(number(value, 3) for value in (pn, n, epoch, pq_n)) + bytes([kind, index]) + chunk


# --- the braid ----------------------------------------------------------------------------------------------------

# What an honest peer can send in the state's own epoch.
POSSIBLE = {
    "KeysUnsampled": {NONE}, "KeysSampled": {NONE, CT1}, "HeaderSent": {NONE, CT1},
    "Ct1Received": {NONE, CT1, CT2}, "EkSentCt1Received": {NONE, CT1, CT2},
    "NoHeaderReceived": {HDR}, "HeaderReceived": {HDR}, "Ct1Sampled": {HDR, EK, EK_CT1_ACK},
    "Ct1Acknowledged": {HDR, EK, EK_CT1_ACK}, "EkReceivedCt1Sampled": {HDR, EK, EK_CT1_ACK},
    "Ct2Sampled": {NONE, HDR, EK, EK_CT1_ACK},
}


class Braid:
    def __init__(self, secret, begins):
        self.epoch, self.authenticator = 1, Authenticator(bytes(32)).update(1, secret)
        self.state, self.next, self.emitted = "KeysUnsampled", 0, (NONE, b"")
        if not begins:
            self.wait()

    def wait(self):
        self.state, self.decoder = "NoHeaderReceived", Decoder(96)

    def emit(self, kind, data):
        """From now on chunks of this object are sent; an object that goes on under another type goes on counting."""
        if self.emitted[1] != data:
            self.next = 0
        self.emitted = (kind, data)

    def send(self, draw):
        """The epoch, what the message carries, and a key if one comes out. `draw` gives random bytes."""
        epoch, output = self.epoch, None
        if self.state == "KeysUnsampled":
            self.seed = self.authenticator.hedged(draw(), 64, "braid seed", epoch)
            key, self.secret_key = ML_KEM_768.key_derive(self.seed)
            self.vector, self.header = key[:1152], key[1152:] + hashlib.sha3_256(key).digest()
            self.state = "KeysSampled"
            self.emit(HDR, self.header + self.authenticator.mac("braid header", epoch, self.header))
        elif self.state == "HeaderReceived":
            self.randomness = self.authenticator.hedged(
                draw(), 32, "braid randomness", epoch, hashlib.sha256(self.header).digest())
            self.first, shared = first_half(self.header, self.randomness)
            self.key = output = output_key(shared, epoch)
            self.authenticator = self.authenticator.update(epoch, self.key)
            self.state, self.decoder = "Ct1Sampled", Decoder(1152)
            self.emit(CT1, self.first)
        kind, data = self.emitted
        if self.state in ("NoHeaderReceived", "EkSentCt1Received", "Ct1Acknowledged", "Broken"):
            return epoch, (NONE, 0, bytes(CHUNK)), None
        carried = (kind, self.next, encode_chunk(data, self.next))
        self.next = (self.next + 1) % 251
        return epoch, carried, output

    def receive(self, epoch, carried):
        """A key if one comes out."""
        kind, index, chunk = carried
        if epoch < self.epoch or self.state == "Broken":
            return None
        if epoch > self.epoch:
            shape(self.state == "Ct2Sampled" and epoch == self.epoch + 1 and kind == NONE, "Evidence")
            self.epoch, self.state = epoch, "KeysUnsampled"
            return None
        shape(kind in POSSIBLE[self.state], "Evidence")
        if self.state == "KeysSampled" and kind == CT1:
            self.state, self.decoder = "HeaderSent", Decoder(960)
            self.emit(EK, self.vector)
        if self.state == "Ct1Received" and kind == CT2:
            self.state, self.decoder = "EkSentCt1Received", Decoder(160)
        consume = {
            ("HeaderSent", CT1): self.first_came, ("EkSentCt1Received", CT2): self.second_came,
            ("NoHeaderReceived", HDR): self.header_came, ("Ct1Sampled", EK): self.vector_came,
            ("Ct1Sampled", EK_CT1_ACK): self.vector_came, ("Ct1Acknowledged", EK): self.vector_came,
            ("Ct1Acknowledged", EK_CT1_ACK): self.vector_came,
        }.get((self.state, kind))
        if consume:
            whole = self.decoder.take(index, chunk)
            if self.state == "Ct1Sampled" and kind == EK_CT1_ACK:
                self.state = "Ct1Acknowledged"
            return consume(whole) if whole else None
        if (self.state, kind) == ("EkReceivedCt1Sampled", EK_CT1_ACK):
            self.complete()
        return None

    def header_came(self, whole):
        self.header, mac = whole[:64], whole[64:]
        good = self.authenticator.mac("braid header", self.epoch, self.header) == mac
        self.state = "HeaderReceived" if good else "Broken"

    def first_came(self, whole):
        self.first, self.state = whole, "Ct1Received"
        self.emit(EK_CT1_ACK, self.vector)

    def vector_came(self, whole):
        self.vector = whole
        if self.state == "Ct1Acknowledged":
            self.complete()
        else:
            self.state = "EkReceivedCt1Sampled"

    def complete(self):
        if not check_vector(self.header, self.vector):
            self.state = "Broken"
            return
        first, second, shared = encapsulate(self.header, self.vector, self.randomness)
        assert first == self.first and output_key(shared, self.epoch) == self.key
        self.state = "Ct2Sampled"
        self.emit(CT2, second + self.authenticator.mac("braid ciphertext", self.epoch, first + second))

    def second_came(self, whole):
        second, mac = whole[:128], whole[128:]
        shared = ML_KEM_768.decaps(self.secret_key, self.first + second)
        key = output_key(shared, self.epoch)
        authenticator = self.authenticator.update(self.epoch, key)
        if authenticator.mac("braid ciphertext", self.epoch, self.first + second) != mac:
            self.state = "Broken"
            return None
        self.authenticator, self.epoch = authenticator, self.epoch + 1
        self.wait()
        return key


def first_half(header, randomness):
    """The first ciphertext and the secret, for which the header is enough (FIPS 203, algorithms 14 and 17): kyber-py
    only makes both at once. They are held against it when the vector has come."""
    kem = ML_KEM_768
    shared, coins = kem._G(randomness + header[32:])
    matrix = kem._generate_matrix_from_seed(header[:32], transpose=True)
    y, counter = kem._generate_error_vector(coins, kem.eta_1, 0)
    e1, _ = kem._generate_error_vector(coins, kem.eta_2, counter)
    u = (matrix @ y.to_ntt()).from_ntt() + e1
    return u.compress(kem.du).encode(kem.du), shared


# --- the session --------------------------------------------------------------------------------------------------

class Session:
    """One side of the Triple Ratchet in strict alternation: every message turns the root, and none is lost."""

    def __init__(self, start, side, ours, theirs):
        self.side, self.root, self.transcript = side, start["root_key"], start["transcript"]
        self.ours, self.theirs, self.length = ours, theirs, 0
        keys = [start["header_key"], start["next_header_key"]]
        self.next_sending, self.next_receiving = keys[side], keys[1 - side]
        self.braid = Braid(start["braid_authenticator"], begins=side == 0)
        self.epochs = EpochChains(start["braid_chains"])
        self.outputs = []

    def turn(self, secret, public):
        keys = hkdf(self.root, [agree(secret, public)], 96, label("root step"))
        self.root = keys[:32]
        return keys[32:64], keys[64:]

    def output(self, epoch, key):
        if key:
            self.epochs.add(epoch, key)
            self.outputs.append((epoch, key))

    def make_ratchet_key(self, random):
        self.ours = hkdf(random, [self.root], 32, label("ratchet key"), self.transcript)

    def send(self, bound, content_key, draw, check, is_first=False):
        if not is_first:
            self.make_ratchet_key(draw())
        header_key = self.next_sending
        chain_key, self.next_sending = self.turn(self.ours, self.theirs)
        epoch, carried, key = self.braid.send(draw)
        pq_n, pq = self.epochs.step(epoch - 1, self.side, check)
        header = check("header", make_header(dh_public(self.ours), self.length, 0, epoch, pq_n, carried))
        self.length = 1
        self.output(epoch, key)
        message_key = check("message_key", hmac(pq, hmac(chain_key, b"\x01")))
        nonce = hmac(expand(message_key, 32, label("slot nonce key")), label("slot nonce"), draw(), header, *bound)[:12]
        body_key = expand(message_key, 32, label("slot body"), self.transcript, nonce, header, *bound)
        body = aead_seal(body_key, bytes(12), b"", content_key)
        return bytes(4) + nonce + aead_seal(header_key, nonce, b"\x01\x01" + b"".join(bound) + body, header) + body

    def receive(self, slot, bound):
        nonce, sealed_header, body = slot[4:16], slot[16:110], slot[110:]
        header = aead_open(self.next_receiving, nonce, b"\x01\x01" + b"".join(bound) + body, sealed_header)
        self.theirs, _, n, epoch, pq_n, carried = parse_header(header)
        chain_key, self.next_receiving = self.turn(self.ours, self.theirs)
        number_here, pq = self.epochs.step(epoch - 1, 1 - self.side)
        shape((n, pq_n) == (0, number_here), "Evidence")
        message_key = hmac(pq, hmac(chain_key, b"\x01"))
        body_key = expand(message_key, 32, label("slot body"), self.transcript, nonce, header, *bound)
        content_key = aead_open(body_key, bytes(12), b"", body)
        # Only now is the header known to belong to this body.
        self.output(epoch, self.braid.receive(epoch, carried))
        return content_key


# --- the file -----------------------------------------------------------------------------------------------------

def read_code(file):
    for frozen in file["code"]:
        data, parity = frozen["object"], cut(frozen["first_parity"])
        count = len(cut(data))
        assert len(parity) == count and count * CHUNK == len(data)
        decoder = Decoder(len(data))
        for index, chunk in enumerate(parity, count):
            assert encode_chunk(data, index) == chunk, f"{frozen['name']}: chunk {index}"
            whole = decoder.take(index, chunk)
        assert whole == data, f"{frozen['name']}: from parity alone"
        for index in (250, 255):
            assert encode_chunk(data, index) == frozen[f"chunk_{index}"], f"{frozen['name']}: chunk {index}"
    assert list(file["indices_after_248"]) == [249, 250, 0, 1]
    return f"{len(file['code'])} objects, each decoded from parity alone"


def play(file):
    start, bound = file["start"], [file["commitment"], file["payload_hash"]]
    prekey = start["responder_ratchet_secret"]
    sides = [Session(start, 0, None, dh_public(prekey)), Session(start, 1, prekey, None)]
    sides[0].make_ratchet_key(start["initiator_random"])
    assert sides[0].ours == start["initiator_ratchet_secret"]
    for place, frozen in enumerate(file["messages"]):
        def check(name, value, frozen=frozen, place=place):
            assert frozen[name] == value, f"message {place}: {name}"
            return value

        side = ("initiator", "responder").index(frozen["sender"])
        random = cut(frozen["random"])
        slot = sides[side].send(bound, file["content_key"], lambda: random.pop(0), check, is_first=place == 0)
        assert not random and slot == frozen["slot"], f"message {place}: slot"
        assert sides[1 - side].receive(slot, bound) == file["content_key"]
    return sides


def read_epoch(file):
    epoch, frozen = file["epoch"], file["authenticators"]
    authenticators = [Authenticator(bytes(32)).update(1, file["start"]["braid_authenticator"])]
    authenticators.append(authenticators[0].update(1, epoch["key"]))
    assert [vars(one) for one in authenticators] == frozen
    key, secret_key = ML_KEM_768.key_derive(epoch["seed"])
    assert key == epoch["vector"] + epoch["header"][:32]
    assert hashlib.sha3_256(key).digest() == epoch["header"][32:]
    assert authenticators[0].mac("braid header", 1, epoch["header"]) == epoch["header_mac"]
    first, second, shared = encapsulate(epoch["header"], epoch["vector"], epoch["randomness"])
    assert (first, second) == (epoch["first_ciphertext"], epoch["second_ciphertext"])
    assert shared == epoch["kem_shared_secret"] == ML_KEM_768.decaps(secret_key, first + second)
    assert authenticators[1].mac("braid ciphertext", 1, first + second) == epoch["ciphertext_mac"]
    assert output_key(shared, 1) == epoch["key"]
    chains = EpochChains(file["start"]["braid_chains"])
    chains.add(1, epoch["key"])
    assert chains.root == file["chains"][1]["root"]
    for number_, stated in enumerate(file["chains"]):
        assert [chain for chain, _ in chains.chains[number_]] == [stated["initiator"], stated["responder"]]
    for side in play(file):
        assert side.outputs == [(1, epoch["key"])] and side.braid.epoch == 2
    return f"{len(file['messages'])} messages of both sides, and the key of epoch 1 on both"


def main():
    file = load("braid.json")
    for read in (read_code, read_epoch):
        print("ok", read(file))


if __name__ == "__main__":
    main()
