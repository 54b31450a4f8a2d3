//! Two people over a relay that carries mail and knows of no keys: they meet by a link, and the card follows.

use super::build::Built;
use super::process::Folder;
use super::search::Needles;
use super::stage::Stage;
use super::texts::{SHORT, long};

const DORA: &str = "dora";
const ERIN: &str = "erin";

/// The devices of it.
pub(crate) const DEVICES: [&str; 2] = [DORA, ERIN];

/// Tells it; yields how many messages were sent, or says what failed.
pub(crate) fn tell(built: &Built, folder: &Folder) -> Result<usize, String> {
    let mut stage = Stage::new(built, folder, false)?;
    println!(
        "another relay, on {}, carries mail and keeps no keys; Dora and Erin (Rust) start there",
        stage.relay.url()
    );
    let told = scenes(&mut stage, folder);
    let (lost, duplicated) = (stage.ledger.lost(), stage.ledger.duplicated());
    told.map_err(|why| format!("without keys: {why} ({lost} not shown, {duplicated} duplicated)"))?;
    if lost + duplicated > 0 {
        return Err(format!("without keys: {lost} lost, {duplicated} duplicated"));
    }
    Ok(stage.ledger.len())
}

fn scenes(stage: &mut Stage<'_>, folder: &Folder) -> Result<(), String> {
    for name in DEVICES {
        stage.enter_mailbox(name)?;
    }
    let link = stage.meet(DORA, ERIN)?;
    println!("Erin gives Dora her link, {link}, and Dora's card comes to Erin through the relay");
    println!("  what Erin answers is encrypted, and all that follows");
    stage.say(ERIN, DORA, "Dora, I have your card: the relay knows no keys of ours")?;
    stage.all_shown()?;
    for text in SHORT {
        stage.say(DORA, ERIN, &format!("{text} [dora to erin]"))?;
        stage.say(ERIN, DORA, &format!("{text} [erin to dora]"))?;
        stage.all_shown()?;
    }
    stage.say(DORA, ERIN, &long(6))?;
    stage.all_shown()?;
    let (here, there) = (stage.safety(DORA, ERIN)?, stage.safety(ERIN, DORA)?);
    println!("  dora and erin: {here}");
    if here != there || here.len() != 60 {
        return Err(format!("Dora sees {here}, and Erin sees {there}"));
    }
    for name in DEVICES {
        stage.leave(name)?;
    }
    let needles = Needles::of(stage.ledger.texts())?;
    for (what, place) in [("this relay's files", folder.mail_relay()), ("all stores", folder.stores())] {
        let (searched, found) = needles.below(&place)?;
        println!("in {searched} bytes of {what}, {found} are plaintext");
        if found > 0 {
            return Err(format!("{found} plaintext bytes in {what}"));
        }
    }
    Ok(())
}
