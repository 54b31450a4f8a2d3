//! How a course of events is drawn from a seed.

use sprag_malice::Trick;

use super::fleet;
use super::step::{Bad, Fate, Step, Verb};
use crate::disk::{Loss, Trouble};
use crate::random::Dice;

/// Which kinds of faults a course has. Not all at once: most faults hide others.
#[derive(Clone, Copy, Debug)]
struct Mix {
    people: usize,
    phones: usize,
    network: bool,
    crashes: bool,
    disk: bool,
    clocks: bool,
    mail: bool,
    keys: bool,
    restores: bool,
    copies: bool,
    lists: bool,
    randomness: bool,
    drops: bool,
}

/// Draws a course of events. The same seed gives the same one.
#[must_use]
pub fn draw(seed: u64) -> Vec<Step> {
    let shape = fleet::shape(seed);
    let dice = &mut Dice::new(seed);
    let mut on = |times: usize| dice.once_in(times);
    let mix = Mix {
        people: shape.len(),
        phones: shape.iter().sum(),
        network: on(2),
        crashes: on(2),
        disk: on(3),
        clocks: on(3),
        mail: on(2),
        keys: on(3),
        restores: on(6),
        copies: on(4),
        randomness: on(8),
        drops: on(6),
        lists: on(4),
    };
    // Of a phone that was put back or copied nobody can say what list it is to know.
    let mix = Mix { lists: mix.lists && !mix.restores && !mix.copies, ..mix };
    let length = 40 + dice.below(120);
    let mut steps: Vec<Step> = (0..length).map(|_| one(dice, mix)).collect();
    // In some, two have talked for long when the faults begin: the braid is anywhere in its first epochs.
    if dice.once_in(12) {
        let rounds = 20 + dice.below(80);
        steps.splice(0..0, (0..rounds).flat_map(|_| [say(0, mix), say(1, mix)]).flatten());
    } else if mix.copies && dice.once_in(2) {
        // Phones that have not heard each other have nothing in common that a copy could spoil.
        steps.splice(0..0, [say(0, mix), say(1, mix)].into_iter().flatten());
    }
    steps
}

/// Somebody writes to the one that they mostly talk to, and that one reads.
fn say(who: usize, mix: Mix) -> [Step; 6] {
    let carry = Step::Carry { who, handle: 0, which: 0, fate: Fate::Well };
    [
        Step::Send { who, handle: 0, to: to_the_other(mix, who), size: 9, quiet: false },
        Step::Lease { who, handle: 0, max: 12 },
        carry,
        carry,
        Step::Deliver { who: 1 - who, handle: 0, max: 40, acknowledge: true },
        Step::Take { who: 1 - who, handle: 0, max: 1000, done: true },
    ]
}

fn one(dice: &mut Dice, mix: Mix) -> Step {
    // Mostly two of them talk.
    let mut who = if dice.once_in(5) { dice.below(mix.phones) } else { dice.below(2) };
    if (mix.copies || mix.lists) && dice.once_in(3) {
        who = mix.phones + dice.below(3);
    } else if mix.phones > mix.people && dice.once_in(3) {
        who = mix.people + dice.below(mix.phones - mix.people);
    }
    // Mostly the app itself; now and then the helper beside it.
    let handle = usize::from(dice.once_in(4));
    match dice.below(110) {
        0..16 => {
            let size = if dice.once_in(12) { 3000 + dice.below(30_000) } else { dice.below(200) };
            let quiet = dice.once_in(5);
            if dice.once_in(6) {
                Step::SendToRoom { who, handle, size, quiet }
            } else {
                Step::Send { who, handle, to: to(dice, mix, who), size, quiet }
            }
        }
        16..18 => Step::SendAgain { who, handle, which: dice.below(64) },
        18..30 => Step::Lease { who, handle, max: 1 + dice.below(12) },
        30..50 => {
            let fate = match dice.below(20) {
                0 if mix.network => Fate::Lost,
                1 | 2 if mix.network => Fate::AnswerLost,
                3 if mix.network => Fate::AnsweredTwice,
                4 if mix.network => Fate::Forgotten,
                5 if mix.network && dice.once_in(6) => Fate::Refused,
                _ => Fate::Well,
            };
            Step::Carry { who, handle, which: dice.below(16), fate }
        }
        50..66 => {
            let max = if dice.once_in(2) { 1 } else { 1 + dice.below(40) };
            Step::Deliver { who, handle, max, acknowledge: !(mix.network && dice.once_in(5)) }
        }
        66..68 => Step::Peek { who, handle, which: dice.below(8) },
        68..76 => {
            let max = if dice.once_in(3) { 1 + dice.below(3) } else { 1000 };
            Step::Take { who, handle, max, done: !(mix.crashes && dice.once_in(4)) }
        }
        76..80 => Step::Wake { who, handle, hint: dice.once_in(2) },
        83..86 => {
            const VERBS: [Verb; 6] = [Verb::Deliver, Verb::Deliver, Verb::Lease, Verb::Wake, Verb::Send, Verb::Done];
            let (first, second) = (VERBS[dice.below(VERBS.len())], VERBS[dice.below(VERBS.len())]);
            Step::Together { who, first, second, at: 1 + dice.below(10) as u64 }
        }
        86 if dice.once_in(3) => Step::Rekey { who },
        80 => Step::Cancel { who, which: dice.below(64) },
        81 => Step::Retry { who, which: dice.below(64) },
        82 => Step::Suspend { who, handle },
        _ => fault(dice, mix, who, handle),
    }
}

/// Whom somebody writes to, as one of the others: mostly the other of the two that talk.
const fn to(dice: &mut Dice, mix: Mix, who: usize) -> usize {
    if who < 2 && !dice.once_in(5) { to_the_other(mix, who) } else { dice.below(mix.people - 1) }
}

/// The other one of the two who mostly talk, as one of the others of the one.
const fn to_the_other(mix: Mix, who: usize) -> usize {
    if who == 0 { 0 } else { mix.people - 2 }
}

fn loss(dice: &mut Dice) -> Loss {
    match dice.below(4) {
        0 => Loss::Nothing,
        1 => Loss::Unsynced,
        2 => Loss::Torn(dice.next()),
        _ => Loss::Reordered(dice.next()),
    }
}

fn fault(dice: &mut Dice, mix: Mix, who: usize, handle: usize) -> Step {
    // Some tries: a mix may have few kinds.
    for _ in 0..8 {
        match dice.below(11) {
            0 if mix.crashes => return Step::Cut { who, loss: loss(dice) },
            1 if mix.crashes => return Step::Kill { who, handle },
            2 if mix.disk => {
                let trouble = [Trouble::Full, Trouble::Change, Trouble::Read, Trouble::PowerCut][dice.below(4)];
                return Step::Trouble { who, trouble, after: dice.below(30) as u64, loss: loss(dice) };
            }
            3 if mix.clocks => {
                const JUMPS: [i64; 9] = [1, 60, 3600, 86_400, 8 * 86_400, 15 * 86_400, -60, -86_400, -3 * 86_400];
                return Step::Clock { who, seconds: JUMPS[dice.below(JUMPS.len())] };
            }
            4 | 5 if mix.mail => return Step::Trick(with_mail(dice, mix)),
            6 if mix.keys => return Step::Trick(with_keys(dice, mix)),
            7 if mix.restores => {
                return if dice.once_in(2) {
                    Step::Snapshot { who }
                } else {
                    Step::Restore { who, which: dice.below(4), randomness: dice.once_in(2) }
                };
            }
            8 if mix.randomness => {
                return Step::Randomness { who, bad: [Bad::Constant, Bad::Dry, Bad::Good, Bad::Good][dice.below(4)] };
            }
            10 if mix.lists => {
                // Mostly by one that may: the first of somebody's.
                let who = if dice.once_in(5) { who } else { who % mix.people };
                return if dice.once_in(6) {
                    Step::Retire { who: mix.people + dice.below(4) }
                } else if dice.once_in(3) {
                    Step::Revoke { who, which: dice.below(4) }
                } else {
                    Step::Link { who, holds_account_key: dice.once_in(4) }
                };
            }
            9 if mix.copies => {
                return if dice.once_in(6) {
                    Step::Discard { who }
                } else {
                    Step::Copy { who, shared: dice.once_in(3), randomness: dice.once_in(2) }
                };
            }
            _ => {}
        }
    }
    Step::Clock { who, seconds: 1 }
}

fn with_mail(dice: &mut Dice, mix: Mix) -> Trick {
    let (to, which, other) = (dice.below(mix.people), dice.below(16), dice.below(16));
    match dice.below(11) {
        0 if mix.drops => Trick::Drop { to, which },
        0 | 1 => Trick::Duplicate { to, which },
        2 => Trick::Swap { to, which, other },
        3 => Trick::Hold { to, which },
        4 => Trick::Reflect { to, which },
        5 => Trick::Misdeliver { to, which, other },
        6 => Trick::Misattribute { to, which, other },
        7 => Trick::Splice { to, which, other, at: dice.below(4096) },
        8 => Trick::Flip { to, which, bit: dice.below(1 << 16) },
        9 => Trick::Cut { to, which, at: dice.below(4096) },
        _ => Trick::Replay { which: dice.below(256) },
    }
}

fn with_keys(dice: &mut Dice, mix: Mix) -> Trick {
    let (asker, account, other) = (dice.below(mix.people), dice.below(mix.people), dice.below(mix.people));
    match dice.below(10) {
        0 => Trick::Drain { account },
        1 => Trick::OldList { asker, account },
        2 => Trick::OldPrekey { asker, account },
        3 => Trick::Impersonate { asker, account, other },
        4 => Trick::Mix { asker, account, other },
        5 => Trick::NoOneTime { asker, account },
        6 => Trick::OneTimeTwice { asker, account },
        7 => Trick::FlipKeys { asker, account, part: dice.below(4), bit: dice.below(1 << 14) },
        8 => Trick::Deny { asker, account },
        _ => Trick::Honest { asker, account },
    }
}
