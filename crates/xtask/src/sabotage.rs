//! `cargo xtask sabotage`: breaks one promise after the other and sees that the tests notice.
//!
//! One build with the feature `sabotage`; a switch is a variable of the environment. docs/evidence.md tells what each
//! stands for.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{run, tree};

/// A switch, and the tests that must fail when it is on: package, target, and a part of their names.
struct Switch(&'static str, &'static str, &'static str, &'static str);

const CORE: &str = "sprag-core";
const ENGINE: &str = "sprag";
const SIM: &str = "sprag-sim";

const SWITCHES: &[Switch] = &[
    Switch("weak-keys", CORE, "kat_x25519", ""),
    Switch("weak-keys", CORE, "ratchet", "bad_ratchet_keys"),
    Switch("signatures-unchecked", CORE, "prekey", "unsigned"),
    Switch("signatures-unchecked", SIM, "world", "worlds"),
    Switch("any-prekey", CORE, "prekey", "of_the_other_kind"),
    Switch("expired-accepted", CORE, "prekey", "expiry"),
    Switch("one-time-keys-kept", SIM, "attacks", "a10_a_one_time"),
    Switch("nothing-is-a-duplicate", SIM, "attacks", "a10_a_first"),
    Switch("nothing-is-a-duplicate", SIM, "world", "worlds"),
    Switch("one-time-or-nothing", SIM, "attacks", "a13"),
    Switch("any-version", SIM, "attacks", "a14"),
    Switch("filed-anywhere", SIM, "attacks", "a15"),
    Switch("skipped-keys-kept", CORE, "ratchet", "late_messages"),
    Switch("keys-kept", CORE, "ratchet_model", ""),
    Switch("refusals-write", SIM, "world", "worlds"),
    Switch("messages-lost", SIM, "world", "worlds"),
    Switch("requests-forgotten", SIM, "world", "worlds"),
    Switch("sent-again-is-sent-twice", SIM, "world", "worlds"),
    Switch("wrong-clocks-bind", ENGINE, "queue", "wrong_clock"),
    Switch("contents-in-the-clear", SIM, "world", "worlds"),
    Switch("body-key-of-state-alone", CORE, "ratchet", "restored"),
    Switch("body-key-of-state-alone", SIM, "world", "worlds"),
    Switch("nonces-at-rest-random", SIM, "world", "worlds"),
    Switch("content-key-of-randomness-alone", SIM, "world", "worlds"),
    Switch("nonce-constant", CORE, "ratchet_model", "share_nothing"),
    Switch("no-barriers", SIM, "power", "the_power_goes_at_every_write"),
    Switch("no-barriers", SIM, "pages", ""),
    Switch("early-commit", SIM, "power", "written_to"),
    Switch("read-then-write", SIM, "pairs", ""),
    Switch("stale-examination", SIM, "pairs", ""),
    Switch("any-jump", CORE, "ratchet", "a_jump"),
    Switch("skipped-without-end", CORE, "ratchet_model", "bounded"),
    Switch("evidence-ignored", CORE, "ratchet_model", "evidence"),
    Switch("lists-roll-back", CORE, "identity", "a_pin_follows"),
    Switch("pins-move", CORE, "identity", "a_pin_never_moves"),
    Switch("any-identity", SIM, "attacks", "pinned_name"),
    Switch("commitments-unchecked", CORE, "envelope", ""),
    Switch("devices-untold", ENGINE, "devices", "a_linked_device"),
    Switch("split-views-unseen", ENGINE, "conversation", "a_split_view"),
    Switch("own-list-unwatched", ENGINE, "devices", "a_daily_look"),
    Switch("claims-unheard", ENGINE, "devices", "only_others"),
    Switch("nothing-goes-ahead", ENGINE, "rooms", "go_ahead"),
    Switch("asked-without-an-end", ENGINE, "healing", "shown_already"),
    Switch("asked-anew-each-time", ENGINE, "healing", "lost_each_time"),
    Switch("parted-lists-stay", ENGINE, "own", "parted"),
    Switch("welcome-comes-once", ENGINE, "own", "a_welcome"),
    Switch("revocations-untold", ENGINE, "own", "a_revocation"),
    Switch("own-changes-untold", ENGINE, "devices", "another_account_key"),
    Switch("old-account-keys-forgotten", ENGINE, "own", "old_account_key"),
    Switch("stale-without-end", ENGINE, "own", "stale"),
    Switch("decided-about-anybody", ENGINE, "decisions", "the_user_saw"),
    Switch("old-decisions-heard", ENGINE, "decisions", "comes_late"),
    Switch("expired-lists-used-on", ENGINE, "lists", "an_expired_list"),
    Switch("others-claims-unheard", ENGINE, "lists", "another_speaks_of"),
    Switch("audiences-uncompared", ENGINE, "rooms", "different_members"),
    Switch("links-without-consent", ENGINE, "devices", "a07"),
    Switch("link-codes-live-on", ENGINE, "devices", "a07"),
    Switch("account-key-survives-theft", ENGINE, "devices", "another_account_key"),
    Switch("any-device-links", CORE, "link", "only_the_device"),
    Switch("links-grant-themselves", CORE, "link", "only_the_device"),
    Switch("any-fingerprint", CORE, "card", "a_small_card"),
    Switch("long-integers", CORE, "vectors", ""),
    Switch("vanished-rows-believed", SIM, "attacks", "a36_exchanged"),
    Switch("values-belong-anywhere", ENGINE, "--lib", "exchanged"),
    Switch("header-mac-unchecked", CORE, "--lib", "a_wrong_object"),
    Switch("ciphertext-mac-unchecked", CORE, "--lib", "a_wrong_object"),
    Switch("vector-unchecked", CORE, "--lib", "a_wrong_object"),
    Switch("contradiction-taken", CORE, "--lib", "two_chunks"),
    Switch("impossible-type-taken", CORE, "--lib", "every_type"),
    Switch("late-chunk-taken", CORE, "--lib", "every_type"),
    Switch("late-chunk-taken", CORE, "--lib", "every_order_of_a_small"),
    Switch("epochs-ahead-taken", CORE, "--lib", "every_type"),
    Switch("chunk-before-body", CORE, "--lib", "no_body_proves"),
    Switch("braid-of-a-refusal", CORE, "ratchet", "a_change_is_for"),
    Switch("braid-of-a-refusal", CORE, "ratchet", "a_stale_delta"),
    Switch("evidence-ignored", CORE, "--lib", "kept_keys"),
    Switch("lockstep-unchecked", CORE, "--lib", "disagree"),
    Switch("epoch-not-chained", CORE, "--lib", "an_epoch_hangs"),
    Switch("epoch-not-chained", CORE, "vectors", ""),
    Switch("authenticator-of-one-epoch", CORE, "--lib", "vouches"),
    Switch("braid-of-randomness-alone", CORE, "--lib", "whatever_the_generator"),
    Switch("braid-of-state-alone", CORE, "healing", ""),
    Switch("braid-at-rest", CORE, "healing", ""),
    Switch("braid-at-rest", CORE, "long_runs", ""),
    Switch("post-quantum-key-not-joined", CORE, "--lib", "needs_both"),
    Switch("post-quantum-key-not-joined", CORE, "vectors", ""),
    Switch("classical-key-not-joined", CORE, "--lib", "needs_both"),
    Switch("resumption-constant", CORE, "resumption", "put_back"),
    Switch("stall-not-told", CORE, "--lib", "stands_still"),
    Switch("clones-untold", ENGINE, "clones", "noticed"),
    Switch("evidence-forgotten", ENGINE, "clones", "noticed"),
    Switch("positions-forgotten", ENGINE, "clones", "within_a_chain"),
    Switch("closed-chains-forgotten", ENGINE, "clones", "no_mail"),
    Switch("clones-untold", SIM, "clones", ""),
    Switch("clones-untold", SIM, "world", "copied_phone"),
    Switch("own-devices-left-out", SIM, "world", "worlds"),
    Switch("suspected-without-evidence", SIM, "world", "worlds"),
    Switch("shown-once-in-each-session", SIM, "world", "failed_once"),
    Switch("handshakes-counted-when-sealed", ENGINE, "sessions", "until_the_server"),
    Switch("sealed-anew-shown-twice", ENGINE, "conversation", "sealed_anew"),
    Switch("refused-keys-forgotten", ENGINE, "upkeep", "not_taken"),
    Switch("unlisted-sessions-kept", ENGINE, "--lib", "not_listed"),
    Switch("changes-untold", ENGINE, "trust", "with_an_event"),
    Switch("changes-untold", SIM, "attacks", "a05"),
    Switch("changes-go-on", ENGINE, "trust", "a_verified_contact_who_changes"),
    Switch("changes-go-on", SIM, "attacks", "a06"),
    Switch("pending-follows-a-change", ENGINE, "trust", "no_pending_message"),
    Switch("sealed-anew-for-another", ENGINE, "trust", "no_pending_message"),
    Switch("sent-though-held", ENGINE, "trust", "a_verified_contact_who_changes"),
    Switch("held-messages-leave", ENGINE, "trust", "a_verified_contact_who_changes"),
    Switch("any-number", ENGINE, "trust", "a_confirmation"),
    Switch("any-number", SIM, "attacks", "a06"),
    Switch("suspects-go-on", ENGINE, "trust", "was_copied"),
    Switch("suspects-go-on", ENGINE, "trust", "began_anew"),
    Switch("sent-to-old-clients", ENGINE, "protection", "an_old_client_of_theirs"),
    Switch("sent-to-old-clients", ENGINE, "fleet", "rung_1"),
    Switch("protection-forgotten", ENGINE, "protection", "nothing_takes"),
    Switch("protection-lowered", ENGINE, "protection", "nothing_takes"),
    Switch("armor-unread", ENGINE, "armor", "text_alone"),
    Switch("cards-of-anybody", ENGINE, "cards", "is_nobody_else"),
    Switch("any-fingerprint", ENGINE, "cards", "is_nobody_else"),
    Switch("values-overwritten", ENGINE, "value", "write_at_once"),
    Switch("plaintext-untold", ENGINE, "protection", "plain_text"),
    Switch("protection-untold-to-new-devices", ENGINE, "protection", "a_new_device"),
    Switch("nothing-is-resumed", ENGINE, "healing", "a_session_that_a_thief"),
    Switch("restarts-take-over", ENGINE, "healing", "without_proof"),
    Switch("sessions-given-up-early", ENGINE, "healing", "sessions_that_cross"),
    Switch("crossing-restarts-diverge", ENGINE, "healing", "restarts_that_cross"),
    Switch("put-back-resumes", ENGINE, "healing", "put_back"),
    Switch("nothing-is-asked", ENGINE, "healing", "comes_in_its_place"),
    Switch("asked-without-end", ENGINE, "healing", "sparingly"),
    Switch("resent-to-anybody", ENGINE, "healing", "a_thief_asks_for"),
    Switch("shelf-without-end", ENGINE, "healing", "bounded"),
    Switch("silent-for-ever", ENGINE, "healing", "silent"),
];

fn cargo(switch: Option<&str>) -> Command {
    let mut command = run::cargo();
    // Enough worlds for what one broken promise does.
    command.env("SPRAG_SIM_SEEDS", "120").env("RUST_BACKTRACE", "0");
    match switch {
        Some(switch) => command.env("SPRAG_SABOTAGE", switch),
        None => command.env_remove("SPRAG_SABOTAGE"),
    };
    command
}

fn test(switch: Option<&str>, Switch(_, package, target, filter): &Switch) -> Command {
    let mut command = cargo(switch);
    command.args(["test", "--quiet", "--locked", "--package", package, "--features"]);
    command.arg(format!("{package}/sabotage"));
    match *target {
        "--lib" => command.arg("--lib"),
        target => command.args(["--test", target]),
    };
    command.args(["--", filter]).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn holds(command: &mut Command) -> Result<bool, String> {
    command.status().map(|status| status.success()).map_err(|error| error.to_string())
}

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let chosen = |switch: &&Switch| arguments.is_empty() || arguments.iter().any(|name| name == switch.0);
    let mut unnoticed = Vec::new();
    let mut sound: Vec<(&str, &str, &str)> = Vec::new();
    for switch in SWITCHES.iter().filter(chosen) {
        let Switch(name, package, target, filter) = switch;
        let start = Instant::now();
        // Without the switch the same tests hold: else they would show nothing.
        if !sound.contains(&(package, target, filter)) {
            if !holds(&mut test(None, switch))? {
                return Err(format!("{package} {target} {filter} fails without any switch"));
            }
            sound.push((package, target, filter));
        }
        let noticed = !holds(&mut test(Some(name), switch))?;
        let word = if noticed { "noticed" } else { "NOT NOTICED" };
        println!("{name:<32} {package} {target} {filter}: {word}, {:.1} s", start.elapsed().as_secs_f32());
        if !noticed {
            unnoticed.push(*name);
        }
    }
    named()?;
    if unnoticed.is_empty() { Ok(()) } else { Err(format!("not noticed: {}", unnoticed.join(", "))) }
}

/// Every switch in the source has its tests here and its line in docs/evidence.md.
fn named() -> Result<(), String> {
    let evidence = std::fs::read_to_string(tree::at("docs/evidence.md")).map_err(|error| error.to_string())?;
    let mut directories = vec![tree::at("crates/sprag-core/src"), tree::at("crates/sprag/src")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).map_err(|error| error.to_string())? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            for name in source.split("broken!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                if SWITCHES.iter().all(|switch| switch.0 != name) {
                    return Err(format!("no test is named for the switch {name}"));
                }
                if !evidence.contains(&format!("`{name}`")) {
                    return Err(format!("docs/evidence.md does not name the switch {name}"));
                }
            }
        }
    }
    Ok(())
}
