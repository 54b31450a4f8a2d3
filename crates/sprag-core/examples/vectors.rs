//! Writes `docs/vectors/` anew, from seeds. `tests/vectors.rs` holds the stored files against the same source.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a generator that disagrees with itself must stop")]

#[path = "../tests/frozen/mod.rs"]
mod frozen;
#[path = "../tests/people/mod.rs"]
mod people;

fn main() -> std::io::Result<()> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors");
    std::fs::create_dir_all(&directory)?;
    for (name, content) in frozen::all() {
        std::fs::write(directory.join(name), content)?;
        println!("docs/vectors/{name}");
    }
    Ok(())
}
