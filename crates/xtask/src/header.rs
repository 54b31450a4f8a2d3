//! `cargo xtask header`: `include/sprag.h`, generated from `crates/sprag-ffi` by a pinned cbindgen.

use crate::test::Ran;
use crate::tree;

const HEADER: &str = "include/sprag.h";
const CRATE: &str = "crates/sprag-ffi";

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("cargo xtask header takes --check and nothing else".to_owned()),
    };
    let (text, path) = (generated()?, tree::at(HEADER));
    if check {
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        return if committed == text {
            Ok(())
        } else {
            Err(format!("{HEADER} is not current: run cargo xtask header"))
        };
    }
    std::fs::create_dir_all(tree::at("include"))
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("{HEADER}: {error}"))
}

/// The step of `cargo xtask test`.
pub(crate) fn current() -> Result<Ran, String> {
    if !tree::at(CRATE).join("cbindgen.toml").exists() {
        return Ok(Ran::Absent);
    }
    command(&["--check".to_owned()])?;
    Ok(Ran::Passed)
}

fn generated() -> Result<String, String> {
    let folder = tree::at(CRATE);
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))?;
    let bindings =
        cbindgen::generate_with_config(&folder, config).map_err(|error| format!("{CRATE}: cbindgen: {error}"))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|_| format!("{CRATE}: cbindgen wrote something that is not text"))
}
