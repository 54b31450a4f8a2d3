//! `cargo xtask dist`: what is handed to apps, put together.

use crate::swift::{self, apple};

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["apple"] => apple::command(),
        ["swift"] => swift::library_for_linux(),
        _ => Err("cargo xtask dist apple, or swift".to_owned()),
    }
}
