//! The Kotlin face on the JVM: `bindings/kotlin`, built and tested by Maven.

use crate::test::Ran;
use crate::{python, run, tree};

pub(crate) fn test() -> Result<Ran, String> {
    let project = tree::at("bindings/kotlin/pom.xml");
    if !project.exists() {
        return Ok(Ran::Absent);
    }
    for (tool, packages) in [("java", "default-jdk-headless"), ("mvn", "maven")] {
        if run::find(tool).is_none() {
            return Ok(Ran::LeftOut(format!("{tool} is missing: apt-get install {packages}")));
        }
    }
    let library = python::library()?;
    let folder = library.parent().unwrap_or(&library);
    run::finish(
        run::program("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(&project)
            .arg(format!("-Djna.library.path={}", folder.display()))
            .arg(format!("-Dsprag.library={}", library.display()))
            .arg(format!("-Dsprag.build={}", tree::scratch("kotlin")?.display()))
            .arg("test"),
    )?;
    Ok(Ran::Passed)
}
