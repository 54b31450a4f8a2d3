//! The public functions of the core, by what its source says, and how their names look among a library's symbols.

use std::path::Path;

use crate::tree;

/// A public function: the last part of its module's path, and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    module: String,
    name: String,
}

impl Entry {
    /// Whether this mangled symbol is this function: each part of a path stands there after its length.
    pub(crate) fn is(&self, symbol: &str) -> bool {
        part(symbol, "sprag_core").or_else(|| symbol.find("sprag_core..")).is_some()
            && part(symbol, &self.module).is_some_and(|at| part(&symbol[at..], &self.name).is_some())
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}::{}", self.module, self.name)
    }
}

/// Where the part of the path ends in the symbol.
fn part(symbol: &str, name: &str) -> Option<usize> {
    let sought = format!("{}{name}", name.len());
    let is_whole = |at: usize| !symbol[..at].ends_with(|before: char| before.is_ascii_digit());
    symbol.match_indices(&sought).find(|(at, _)| is_whole(*at)).map(|(at, found)| at + found.len())
}

/// Every public function of the core but those of the build for tests.
pub(crate) fn all() -> Result<Vec<Entry>, String> {
    let source = tree::at("crates/sprag-core/src");
    let mut found = Vec::new();
    for file in tree::files(&source, "rs").iter().filter(|file| !file.ends_with("sabotage.rs")) {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let module = module(file);
        found.extend(functions(&text).map(|name| Entry { module: module.clone(), name: name.to_owned() }));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn module(file: &Path) -> String {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if file.ends_with("mod.rs") { file.parent().map(stem).unwrap_or_default() } else { stem(file) }
}

/// Those that a macro writes are of other modules, wherever it is used: they are not looked for.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let mut in_macro = false;
    text.lines().filter_map(move |line| {
        in_macro = (in_macro || line.starts_with("macro_rules!")) && line != "}";
        if in_macro {
            return None;
        }
        let rest = line.trim_start().strip_prefix("pub ")?;
        let rest = rest.strip_prefix("const ").unwrap_or(rest).strip_prefix("fn ")?;
        rest.split(['(', '<']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::{Entry, functions};

    #[test]
    fn functions_are_found_in_text_and_among_symbols() {
        let text = "pub fn hkdf<const N: usize>(\n    pub const fn end(&self)\n    pub(crate) fn no()\nfn no()\n";
        assert_eq!(functions(text).collect::<Vec<_>>(), ["hkdf", "end"]);
        let text = "macro_rules! id {\n    pub fn new()\n}\npub fn own()\n";
        assert_eq!(functions(text).collect::<Vec<_>>(), ["own"]);
        let open = Entry { module: "double".to_owned(), name: "open".to_owned() };
        assert!(open.is("_ZN10sprag_core7ratchet6double7Session4open17h0123456789abcdefE"));
        assert!(open.is("_RNvMs_NtNtCs1_10sprag_core7ratchet6doubleNtB4_7Session4open"));
        assert!(!open.is("_ZN10sprag_core7ratchet6double7Session14open_sesame_no17h0123456789abcdefE"));
        assert!(!open.is("_ZN10sprag_core8envelope8Envelope4open17h0123456789abcdefE"));
        let stored = Entry { module: "stored".to_owned(), name: "decode".to_owned() };
        assert!(stored.is("_ZN10sprag_core7ratchet6stored45_$LT$impl$u20$sprag_core..Session$GT$6decode17h01E"));
    }
}
