//! What happened, as a story to read and as one hash to compare.

use sprag::BlobId;

/// The course of one world.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: [u8; 32],
    lines: Vec<String>,
    keep: bool,
}

impl Trace {
    /// An empty one; it keeps its lines only if told to.
    #[must_use]
    pub const fn new(keep: bool) -> Self {
        Self { hash: [0; 32], lines: Vec::new(), keep }
    }

    /// Something happened.
    pub fn note(&mut self, line: String) {
        self.hash = BlobId::of(&[&self.hash[..], line.as_bytes()].concat()).0;
        if self.keep {
            self.lines.push(line);
        }
    }

    /// The hash of all that happened: 16 hexadecimal digits of it.
    #[must_use]
    pub fn hash(&self) -> String {
        self.hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The lines that were kept.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}
