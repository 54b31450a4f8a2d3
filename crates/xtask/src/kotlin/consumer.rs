//! What a developer does who has read one page: a project in an empty directory, with the README's program and the build file
//! of `bindings/kotlin/README.md`, against the installed jar.

use crate::{run, tree};

/// The file whose text is in the README; `crates/sprag-ffi/tests/readme.rs` compares the two.
const PROGRAM: &str = "bindings/kotlin/src/test/kotlin/dev/sprag/Readme.kt";

const PAGE: &str = "bindings/kotlin/README.md";

pub(super) fn test() -> Result<(), String> {
    println!("Kotlin: the README's program, in an empty directory");
    let place = tree::scratch("kotlin-consumer")?;
    let page = std::fs::read_to_string(tree::at(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    let build = fenced(&page, "xml").ok_or_else(|| format!("{PAGE} has no build file"))?;
    let sources = place.join("src/main/kotlin");
    super::jvm::clear(&place)?;
    std::fs::create_dir_all(&sources)
        .and_then(|()| std::fs::write(place.join("pom.xml"), build))
        .and_then(|()| std::fs::copy(tree::at(PROGRAM), sources.join("Hello.kt")).map(drop))
        .map_err(|error| format!("{}: {error}", place.display()))?;
    let said = run::output(super::maven(&place.join("pom.xml"))?.args(["compile", "exec:java"]))?;
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    // Maven ends with codes for colours where it is quiet.
    if lines.iter().any(|line| line.ends_with("alice says hello")) {
        Ok(())
    } else {
        Err(format!("the README's program in Kotlin says: {said}"))
    }
}

/// The first block of a page that is in a language.
fn fenced<'a>(page: &'a str, language: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("```{language}\n"))?;
    rest.split_once("```").map(|(block, _)| block)
}
