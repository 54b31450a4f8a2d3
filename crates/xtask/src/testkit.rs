//! The test kit as an app's tests have it: its library in the place of the shipped one, and its module beside the face. Tried
//! from Python.

use crate::test::Ran;
use crate::{python, run, tree};

const MODULES: &str = "bindings/python-testkit/sprag";
const TESTS: &str = "bindings/python-testkit/tests";

pub(crate) fn test() -> Result<Ran, String> {
    if run::find("python3").is_none() {
        return Ok(Ran::LeftOut("Python 3 is missing: apt-get install python3".to_owned()));
    }
    let packages = python::package(&python::library_of("sprag-testkit-uniffi")?, "testkit/python")?;
    let mut modules = tree::at(MODULES).into_os_string();
    modules.push("/.");
    run::finish(run::program("cp").arg("-a").arg(modules).arg(packages.join("sprag")))?;
    run::finish(
        run::program("python3")
            .args(["-B", "-m", "unittest", "discover", "--verbose", "--start-directory"])
            .arg(tree::at(TESTS))
            .env("PYTHONPATH", &packages),
    )?;
    Ok(Ran::Passed)
}
