//! The test kit as an app's tests have it: its library in the place of the shipped one, and its code beside the face. Tried
//! from Python and from Kotlin.

use std::path::Path;

use crate::test::Ran;
use crate::{python, run, tree};

const MODULES: &str = "bindings/python-testkit/sprag";
const TESTS: &str = "bindings/python-testkit/tests";

/// The face in Kotlin, and the kit.
const PROJECTS: [&str; 2] = ["bindings/kotlin/pom.xml", "bindings/kotlin-testkit/pom.xml"];

pub(crate) fn test() -> Result<Ran, String> {
    for (tool, package) in [("python3", "python3"), ("java", "default-jdk-headless"), ("mvn", "maven")] {
        if run::find(tool).is_none() {
            return Ok(Ran::LeftOut(format!("{tool} is missing: apt-get install {package}")));
        }
    }
    let library = python::library_of("sprag-testkit-uniffi")?;
    from_python(&library)?;
    from_kotlin(&library)?;
    Ok(Ran::Passed)
}

fn from_python(library: &Path) -> Result<(), String> {
    let packages = python::package(library, "testkit/python")?;
    let mut modules = tree::at(MODULES).into_os_string();
    modules.push("/.");
    run::finish(run::program("cp").arg("-a").arg(modules).arg(packages.join("sprag")))?;
    run::finish(
        run::program("python3")
            .args(["-B", "-m", "unittest", "discover", "--verbose", "--start-directory"])
            .arg(tree::at(TESTS))
            .env("PYTHONPATH", &packages),
    )
}

fn from_kotlin(library: &Path) -> Result<(), String> {
    let [face, kit] = PROJECTS.map(|project| std::fs::read_to_string(tree::at(project)).unwrap_or_default());
    // The kit is compiled together with the face: with the same compiler, over the same JNA.
    if let Some(version) = versions(&kit).find(|version| versions(&face).all(|other| other != *version)) {
        return Err(format!("{} says {version}, and {} says otherwise", PROJECTS[1], PROJECTS[0]));
    }
    run::finish(
        run::program("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(tree::at(PROJECTS[1]))
            .arg(format!("-Dsprag.library={}", library.display()))
            .arg(format!("-Dsprag.build={}", tree::scratch("testkit/kotlin")?.display()))
            .arg("test"),
    )
}

/// The lines of a project that say a version.
fn versions(project: &str) -> impl Iterator<Item = &str> {
    project.lines().map(str::trim).filter(|line| line.contains(".version>") && !line.contains('$'))
}

#[cfg(test)]
mod tests {
    use super::versions;

    #[test]
    fn versions_are_found_and_those_that_name_another_are_not() {
        let project = "  <jna.version>5</jna.version>\n<version>1</version>\n<version>${jna.version}</version>\n";
        assert_eq!(versions(project).collect::<Vec<_>>(), ["<jna.version>5</jna.version>"]);
    }
}
