//! The core's self-test on an emulated Cortex-M4, and what it took there.

use std::collections::BTreeMap;

use crate::test::Ran;
use crate::{run, targets, tree};

const TARGET: &str = "thumbv7em-none-eabihf";
const EMULATOR: &str = "qemu-system-arm";

const VECTORS: &str = "docs/vectors";

pub(crate) fn test() -> Result<Ran, String> {
    if let Some(remedy) = targets::missing(&[TARGET])? {
        return Ok(Ran::LeftOut(remedy));
    }
    if run::find(EMULATOR).is_none() {
        return Ok(Ran::LeftOut(format!("{EMULATOR} is missing: apt-get install {EMULATOR}")));
    }
    let target = tree::scratch("firmware")?;
    run::finish(
        run::cargo()
            .args(["build", "--release", "--quiet", "--locked", "--target", TARGET, "--target-dir"])
            .arg(&target)
            .current_dir(tree::at("crates/firmware")),
    )?;
    let said = run::output(
        run::program(EMULATOR)
            .args(["-machine", "mps2-an386", "-cpu", "cortex-m4", "-nographic", "-monitor", "none", "-serial", "null"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(target.join(TARGET).join("release/firmware")),
    )?;
    let (figure, computed) = said.split_once('\n').ok_or("the firmware said nothing")?;
    let computed: BTreeMap<String, String> = computed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, hash)| (name.into(), hash.into()))
        .collect();
    let frozen = frozen()?;
    if computed != frozen {
        let differ = |name: &&String| computed.get(*name) != frozen.get(*name);
        let names: Vec<&String> = frozen.keys().chain(computed.keys()).filter(differ).collect();
        return Err(format!("computed otherwise there than in {VECTORS}: {names:?}"));
    }
    println!("Cortex-M4: {} files of frozen vectors computed, byte for byte; {figure}", computed.len());
    Ok(Ran::Passed)
}

/// The hash of each frozen file.
fn frozen() -> Result<BTreeMap<String, String>, String> {
    let files = tree::files(&tree::at(VECTORS), "json");
    let listing = run::output(run::program("sha256sum").args(&files))?;
    let named = |line: &str| {
        let (hash, path) = line.split_once("  ")?;
        Some((path.rsplit('/').next()?.to_owned(), hash.to_owned()))
    };
    Ok(listing.lines().filter_map(named).collect())
}
