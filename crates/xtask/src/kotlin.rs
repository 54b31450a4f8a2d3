//! The Kotlin face on the JVM: `bindings/kotlin`, built and tested by Maven, and used as an app uses it.

pub(crate) mod android;
mod chats;
mod consumer;
mod elf;
pub(crate) mod jvm;

use std::path::Path;
use std::process::Command;

use crate::test::Ran;
use crate::{python, run, tree};

/// The project.
const PROJECT: &str = "bindings/kotlin/pom.xml";

pub(crate) fn test() -> Result<Ran, String> {
    if !tree::at(PROJECT).exists() {
        return Ok(Ran::Absent);
    }
    if let Some(missing) = missing() {
        return Ok(Ran::LeftOut(missing));
    }
    let library = python::library()?;
    let natives = tree::scratch("kotlin-natives")?;
    jvm::lay(&library, &natives)?;
    run::finish(project(&natives)?.arg(format!("-Dsprag.library={}", library.display())).arg("install"))?;
    consumer::test()?;
    chats::test()?;
    android::test(&natives)?;
    Ok(Ran::Passed)
}

/// What Maven needs and is not there.
fn missing() -> Option<String> {
    let tools = [("java", "default-jdk-headless"), ("mvn", "maven")];
    let (tool, package) = tools.into_iter().find(|(tool, _)| run::find(tool).is_none())?;
    Some(format!("{tool} is missing: apt-get install {package}"))
}

/// Maven, for the package itself, with these native libraries in the jar.
fn project(natives: &Path) -> Result<Command, String> {
    let mut command = maven(&tree::at(PROJECT))?;
    command
        .arg(format!("-Dsprag.natives={}", natives.display()))
        .arg(format!("-Dsprag.build={}", tree::scratch("kotlin")?.display()));
    Ok(command)
}

/// Maven, for a project.
///
/// It installs into a repository of our own, so that nothing of a test is left in the user's; what others publish is shared
/// with that one.
fn maven(project: &Path) -> Result<Command, String> {
    let mut command = run::program("mvn");
    command.args(["--quiet", "--batch-mode", "--file"]).arg(project);
    command.arg(format!("-Dmaven.repo.local={}", repository()?.display()));
    Ok(command)
}

fn repository() -> Result<std::path::PathBuf, String> {
    let place = tree::scratch("kotlin-repository")?;
    let Some(home) = std::env::var_os("HOME") else { return Ok(place) };
    let theirs = Path::new(&home).join(".m2/repository");
    for name in ["com", "commons-cli", "commons-codec", "commons-io", "net", "org"] {
        let (shared, here) = (theirs.join(name), place.join(name));
        if here.symlink_metadata().is_err() {
            std::fs::create_dir_all(&shared)
                .and_then(|()| std::os::unix::fs::symlink(&shared, &here))
                .map_err(|error| format!("{}: {error}", here.display()))?;
        }
    }
    Ok(place)
}
