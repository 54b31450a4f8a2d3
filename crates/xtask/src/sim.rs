//! `cargo xtask sim`: worlds from seeds, as long as there is time.

use crate::run;

/// Hands everything to the simulator, which says what it takes. Optimised: worlds go by about ten times as fast.
pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let program = ["run", "--quiet", "--locked", "--release", "--package", "sprag-sim", "--bin", "sim", "--"];
    run::finish(run::cargo().args(program).args(arguments))
}
