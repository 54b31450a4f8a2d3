//! No call that can fail goes without a test that makes it fail.

use crate::{c, tree};

/// Every function that answers a status is called in some C test in a way whose error the test expects.
pub(crate) fn each_is_seen() -> Result<(), String> {
    let mut tests = String::new();
    for file in tree::files(&tree::at(c::TESTS), "c") {
        tests += &std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let names = c::declared::fallible(&tree::at(c::HEADER))?;
    let unseen: Vec<&str> = names.iter().map(String::as_str).filter(|name| !fails_somewhere(&tests, name)).collect();
    match unseen[..] {
        [] => Ok(()),
        _ => Err(format!("no C test expects an error of: {}", unseen.join(", "))),
    }
}

/// Whether a statement compares what this function answers with an error.
fn fails_somewhere(tests: &str, name: &str) -> bool {
    let call = format!("{name}(");
    tests.match_indices(&call).any(|(at, _)| {
        let is_whole = !tests[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_');
        let statement = tests[at..].split(';').next().unwrap_or_default();
        let answer = statement.split_once("== SPRAG_").map_or("OK", |(_, answer)| answer);
        is_whole && !answer.starts_with("OK")
    })
}
