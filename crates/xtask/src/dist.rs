//! `cargo xtask dist`: what is handed to apps, put together.

use crate::kotlin::{android, jvm};
use crate::swift::{self, apple};

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let (what, rest) = arguments.split_first().map_or(("", arguments), |(what, rest)| (what.as_str(), rest));
    match (what, rest) {
        ("apple", []) => apple::command(),
        ("swift", []) => swift::library_for_linux(),
        ("jvm", rest) => jvm::command(rest),
        ("android", rest) => android::command(rest),
        _ => Err("cargo xtask dist apple, swift, jvm or android".to_owned()),
    }
}
