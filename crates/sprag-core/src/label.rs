//! Every domain-separation string, on one page: `Sprag v1 <purpose>`. No two purposes share one.

/// Stretching the seed of the engine's generator for one call.
pub const GENERATOR: &str = "Sprag v1 generator";
/// The key that wraps a store's keyring.
pub const STORE_WRAP: &str = "Sprag v1 store keyring";
/// The check by which a store tells a wrong key from damage.
pub const STORE_CHECK: &str = "Sprag v1 store key check";
/// The name of a place in a chain, by which a second message there is known.
pub const POSITION: &str = "Sprag v1 position";
/// A store's keyed hashes, by purpose.
pub const STORE_LOOKUP: &str = "Sprag v1 store lookup";
/// The key that derives nonces of values at rest.
pub const STORE_NONCE: &str = "Sprag v1 store nonce";
/// The account key's signature of a device list.
pub const LIST_SIGNATURE: &str = "Sprag v1 list signature";
/// The hash by which a device list names its predecessor and by which contacts agree on one.
pub const LIST_HASH: &str = "Sprag v1 list hash";
/// A device's own signature of its entry in a list.
pub const ENTRY_SIGNATURE: &str = "Sprag v1 device entry";
/// The binding of a device id to its keys, remembered after the device is gone.
pub const DEVICE_BINDING: &str = "Sprag v1 device binding";
/// The fingerprint of an account key.
pub const ACCOUNT_FINGERPRINT: &str = "Sprag v1 account key fingerprint";
/// The secret of a device that hedges what its random generator yields.
pub const DEVICE_HEDGE: &str = "Sprag v1 device hedge";
/// The old account key's signature of the one that follows it.
pub const SUCCESSION: &str = "Sprag v1 succession";
/// The new account key's signature of the same.
pub const SUCCESSION_ACCEPTED: &str = "Sprag v1 succession accepted";
/// The secret of a link code, hedged with the secret of the device that shows it.
pub const LINK_SECRET: &str = "Sprag v1 link secret";
/// The name of a link code.
pub const LINK_ID: &str = "Sprag v1 link id";
/// The keys that a link code commits to.
pub const LINK_DEVICE: &str = "Sprag v1 link device";
/// The whole of a link code, to which what is sealed under its secret is bound.
pub const LINK_CODE: &str = "Sprag v1 link code";
/// The six digits of a link code.
pub const LINK_DIGITS: &str = "Sprag v1 link digits";
/// The checksum of a link code that is typed.
pub const LINK_TEXT: &str = "Sprag v1 link text";
/// The salt under which a link object is sealed.
pub const LINK_SALT: &str = "Sprag v1 link salt";
/// The hash of what is sealed in a link object, as it hedges the salt.
pub const LINK_CONTENTS: &str = "Sprag v1 link contents";
/// The key that seals a link object.
pub const LINK_KEY: &str = "Sprag v1 link key";
/// The hash of an offer, to which its answer is bound.
pub const LINK_OFFER: &str = "Sprag v1 link offer";
/// The hash of a whole contact card, by which its parts find together.
pub const CARD: &str = "Sprag v1 card";
/// The checksum of a small card's link.
pub const CARD_LINK: &str = "Sprag v1 card link";
/// The checksum of armor.
pub const ARMOR: &str = "Sprag v1 armor";
/// The safety number of two accounts.
pub const SAFETY_NUMBER: &str = "Sprag v1 safety number";
/// The device key's signature of a prekey.
pub const PREKEY_SIGNATURE: &str = "Sprag v1 prekey signature";
/// A prekey's hash, whose first bytes are its id.
pub const PREKEY_HASH: &str = "Sprag v1 prekey hash";
/// The private halves of a prekey, hedged with the device's secret.
pub const PREKEY_SECRET: &str = "Sprag v1 prekey secret";
/// The handshake's first hash, h1.
pub const HANDSHAKE_OFFER: &str = "Sprag v1 handshake offer";
/// The key that hides the initiator, K1.
pub const HANDSHAKE_IDENTITY: &str = "Sprag v1 handshake identity key";
/// The handshake's transcript, T.
pub const HANDSHAKE_TRANSCRIPT: &str = "Sprag v1 handshake transcript";
/// The session's first keys.
pub const HANDSHAKE_SECRET: &str = "Sprag v1 handshake secret";
/// The ephemeral key and the KEM's randomness of a handshake.
pub const HANDSHAKE_EPHEMERAL: &str = "Sprag v1 handshake ephemeral";
/// The hash of what the claimed initiator says, as it hedges the ephemeral key.
pub const HANDSHAKE_CLAIM: &str = "Sprag v1 handshake claim";
/// The hash of an initial slot's handshake fields, which its slot binds.
pub const HANDSHAKE_FIELDS: &str = "Sprag v1 handshake fields";
/// The secret by which a later handshake proves that it continues a session.
pub const RESUMPTION_SECRET: &str = "Sprag v1 resumption secret";
/// The same after another epoch of the braid.
pub const RESUMPTION_EPOCH: &str = "Sprag v1 resumption epoch";
/// The id of a resumption secret.
pub const RESUMPTION_ID: &str = "Sprag v1 resumption id";

/// A turn of the root chain: root key, chain key, next header key.
pub const ROOT_STEP: &str = "Sprag v1 root step";
/// A new ratchet key, hedged with the root key.
pub const RATCHET_KEY: &str = "Sprag v1 ratchet key";
/// The authenticator of the braid, each time a secret is mixed in.
pub const BRAID_AUTHENTICATOR: &str = "Sprag v1 braid authenticator";
/// The MAC over an epoch's header.
pub const BRAID_HEADER: &str = "Sprag v1 braid header";
/// The MAC over an epoch's ciphertext.
pub const BRAID_CIPHERTEXT: &str = "Sprag v1 braid ciphertext";
/// An epoch's key from the KEM's secret.
pub const BRAID_KEY: &str = "Sprag v1 braid key";
/// The seed of an epoch's KEM key.
pub const BRAID_SEED: &str = "Sprag v1 braid seed";
/// The randomness of an epoch's ciphertext.
pub const BRAID_RANDOMNESS: &str = "Sprag v1 braid randomness";
/// The chains of epoch 0.
pub const EPOCH_START: &str = "Sprag v1 epoch start";
/// The chains of a later epoch.
pub const EPOCH_ADD: &str = "Sprag v1 epoch add";
/// A step along an epoch's chain.
pub const EPOCH_STEP: &str = "Sprag v1 epoch step";
/// The key that derives a slot's nonce.
pub const SLOT_NONCE_KEY: &str = "Sprag v1 slot nonce key";
/// A slot's nonce.
pub const SLOT_NONCE: &str = "Sprag v1 slot nonce";
/// The key of a slot's body.
pub const SLOT_BODY: &str = "Sprag v1 slot body";
/// The hint key of a device pair.
pub const HINT_KEY: &str = "Sprag v1 hint key";
/// A slot's hint.
pub const HINT: &str = "Sprag v1 hint";
/// The content key of an envelope.
pub const CONTENT_KEY: &str = "Sprag v1 content key";
/// The key of the payload.
pub const PAYLOAD: &str = "Sprag v1 payload";
/// The key of the franking commitment.
pub const FRANKING: &str = "Sprag v1 franking";
/// The key of the MACs over list hashes.
pub const LIST_MAC: &str = "Sprag v1 list mac";
/// The audience of a direct conversation.
pub const AUDIENCE_DIRECT: &str = "Sprag v1 audience direct";
/// The audience of a room.
pub const AUDIENCE_ROOM: &str = "Sprag v1 audience room";
/// The hash over the hashes of all lists that a message was sent under.
pub const LISTS: &str = "Sprag v1 lists";
/// The hash over the device keys that a message is addressed to.
pub const DEVICES: &str = "Sprag v1 devices";
