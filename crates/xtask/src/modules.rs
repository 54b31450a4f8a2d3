//! Who may import what: the tables of `docs/modules.md` against what the core's and the engine's files name.

use std::collections::{BTreeMap, BTreeSet};

use crate::test::Ran;
use crate::tree;

const PAGE: &str = "docs/modules.md";

/// A crate, and whether a module may only name those further down in its table or those further up.
const CRATES: &[(&str, bool)] = &[("sprag-core", false), ("sprag", true)];

pub(crate) fn test() -> Result<Ran, String> {
    let page = std::fs::read_to_string(tree::at(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    let mut faults = Vec::new();
    for (name, is_downwards) in CRATES {
        let mut files = BTreeMap::new();
        let source = tree::at(&format!("crates/{name}/src"));
        for file in tree::files(&source, "rs") {
            let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let path = file.strip_prefix(&source).unwrap_or(&file).display().to_string();
            files.insert(path, text);
        }
        let table = Table::of(&page, name, *is_downwards);
        faults.extend(table.faults(&files).into_iter().map(|fault| format!("crates/{name}/src/{fault}")));
    }
    if faults.is_empty() { Ok(Ran::Passed) } else { Err(format!("not as {PAGE} says:\n  {}", faults.join("\n  "))) }
}

/// The table of one crate.
struct Table {
    /// What every file may name.
    common: BTreeSet<String>,
    /// What a file may name: modules, or everything that the order allows.
    rows: BTreeMap<String, Allowed>,
    /// The modules in the order of the table.
    order: Vec<String>,
    is_downwards: bool,
    /// Files that only tests have: elsewhere on the page, by their whole path.
    tests: BTreeSet<String>,
}

#[derive(Clone)]
enum Allowed {
    All,
    These(BTreeSet<String>),
}

impl Table {
    fn of(page: &str, name: &str, is_downwards: bool) -> Self {
        let (heading, prefix) = (format!("## `crates/{name}`:"), format!("crates/{name}/src/"));
        let mut table = Self {
            common: BTreeSet::new(),
            rows: BTreeMap::new(),
            order: Vec::new(),
            is_downwards,
            tests: BTreeSet::new(),
        };
        let mut is_ours = false;
        for line in page.lines() {
            if line.starts_with("## ") {
                is_ours = line.starts_with(&heading);
            }
            let cells: Vec<&str> = line.split('|').collect();
            match cells[..] {
                [_, "---", ..] => {}
                [_, files, _, imports, _] if is_ours && files.contains(".rs`") => table.row(files, imports),
                [_, " file ", _, imports, _] if is_ours => table.common = quoted(imports).map(module_of).collect(),
                [_, files, ..] => {
                    let tests = paths(files).into_iter();
                    table.tests.extend(tests.filter_map(|file| Some(file.strip_prefix(&prefix)?.to_owned())));
                }
                _ => {}
            }
        }
        table
    }

    fn row(&mut self, files: &str, imports: &str) {
        let is_all = imports.trim().starts_with("all ");
        let allowed = if is_all { Allowed::All } else { Allowed::These(quoted(imports).map(module_of).collect()) };
        for file in paths(files) {
            let module = module_of(&file);
            if !self.order.contains(&module) {
                self.order.push(module);
            }
            self.rows.insert(file, allowed.clone());
        }
    }

    fn faults(&self, files: &BTreeMap<String, String>) -> Vec<String> {
        let mut faults: Vec<String> =
            self.rows.keys().filter(|file| !files.contains_key(*file)).map(|file| format!("{file} is gone")).collect();
        for (file, text) in files.iter().filter(|(file, _)| *file != "lib.rs" && !self.tests.contains(*file)) {
            let Some(allowed) = self.rows.get(file) else {
                faults.push(format!("{file} is in no row"));
                continue;
            };
            let module = module_of(file);
            for import in imports(file, text) {
                if import != module && !self.allows(&module, allowed, &import) {
                    faults.push(format!("{file} names {import}"));
                }
            }
        }
        faults
    }

    fn allows(&self, module: &str, allowed: &Allowed, import: &str) -> bool {
        if self.common.contains(import) {
            return true;
        }
        let place = |name: &str| self.order.iter().position(|known| known == name);
        let is_ordered = match (place(module), place(import)) {
            (Some(here), Some(there)) => (there > here) == self.is_downwards,
            _ => false,
        };
        is_ordered
            && match allowed {
                Allowed::All => true,
                Allowed::These(names) => names.contains(import),
            }
    }
}

/// The modules that a file names by their whole path, but for its tests. Comments name what they like.
fn imports(file: &str, text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let is_at_top = !file.trim_end_matches("/mod.rs").contains('/');
    let mut found = BTreeSet::new();
    for line in code.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            // A list in braces is named by its brace, which no table allows: one module in each line.
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            found.insert(if name.is_empty() { rest.to_owned() } else { name.to_owned() });
        }
        if is_at_top && line.contains("super::") {
            found.insert("super".to_owned());
        }
    }
    found
}

/// The files of a cell: one without a folder is in that of the first.
fn paths(cell: &str) -> Vec<String> {
    let names: Vec<&str> = quoted(cell).collect();
    let folder = names.first().and_then(|first| first.rsplit_once('/')).map(|(folder, _)| folder);
    names
        .iter()
        .map(|name| match folder {
            Some(folder) if !name.contains('/') => format!("{folder}/{name}"),
            _ => (*name).to_owned(),
        })
        .collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The module directly below the crate.
fn module_of(path: &str) -> String {
    path.split(['/', '.']).next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Table;

    const PAGE: &str = "\
## `crates/ours`: a crate
| file | does | imports, besides `error` |
|---|---|---|
| `door/mod.rs`, `way.rs` | | all below |
| `high.rs` | | `low` |
| `low.rs` | | `high` |
| `error.rs` | | nothing |
## Tests
| `crates/ours/src/door/trial.rs` | |
";

    fn faults(more: &[(&str, &str)]) -> Vec<String> {
        let all = ["door/mod.rs", "door/way.rs", "door/trial.rs", "high.rs", "low.rs", "error.rs", "lib.rs"];
        let mut files: BTreeMap<String, String> = all.map(|file| (file.to_owned(), String::new())).into();
        files.extend(more.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())));
        Table::of(PAGE, "ours", true).faults(&files)
    }

    #[test]
    fn what_a_row_allows_is_allowed() {
        let way = "use crate::high;\nuse super::Door;\nuse crate::low::Low;\n// crate::nothing\n";
        let low = "use crate::error;\n#[cfg(test)]\nmod tests {\nuse super::*;\nuse crate::door;\n";
        let good = [("door/way.rs", way), ("high.rs", "use crate::low;"), ("low.rs", low), ("lib.rs", "crate::x")];
        assert_eq!(faults(&good), [""; 0]);
        assert_eq!(faults(&[("door/trial.rs", "use crate::nowhere;")]), [""; 0]);
    }

    #[test]
    fn anything_else_is_a_fault() {
        assert_eq!(faults(&[("new.rs", "")]), ["new.rs is in no row"]);
        assert_eq!(faults(&[("high.rs", "use crate::door::Way;")]), ["high.rs names door"]);
        assert_eq!(faults(&[("low.rs", "let x = crate::high::y();")]), ["low.rs names high"], "upwards");
        assert_eq!(faults(&[("high.rs", "use crate::{low, error};")]), ["high.rs names {low, error};"]);
        assert_eq!(faults(&[("high.rs", "use super::door;")]), ["high.rs names super"]);
        let gone = Table::of(PAGE, "ours", true).faults(&BTreeMap::new());
        assert!(gone.contains(&"high.rs is gone".to_owned()), "{gone:?}");
    }
}
