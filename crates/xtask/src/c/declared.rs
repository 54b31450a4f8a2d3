//! What the header declares, read from its text: it is generated, so its lines have few forms.

use std::collections::BTreeSet;
use std::path::Path;

/// The names of the functions.
pub(crate) fn functions(header: &Path) -> Result<BTreeSet<String>, String> {
    Ok(lines(header)?
        .iter()
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("sprag_"))
        .map(str::to_owned)
        .collect())
}

/// The names of the functions that answer a status.
pub(crate) fn fallible(header: &Path) -> Result<BTreeSet<String>, String> {
    Ok(lines(header)?
        .iter()
        .filter_map(|line| line.trim_start_matches("SPRAG_MUST_USE ").strip_prefix("sprag_status ")?.split_once('('))
        .map(|(name, _)| name.to_owned())
        .collect())
}

/// The names of the constants: macros that are numbers.
pub(crate) fn constants(header: &Path) -> Result<Vec<String>, String> {
    let code = lines(header)?;
    let macros = code.iter().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
    Ok(macros.filter(|(_, value)| value.parse::<i64>().is_ok()).map(|(name, _)| name.to_owned()).collect())
}

/// The header's lines without its comments.
fn lines(header: &Path) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(header).map_err(|error| format!("{}: {error}", header.display()))?;
    let code = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//") && !line.starts_with('*'));
    Ok(code.map(str::to_owned).collect())
}
