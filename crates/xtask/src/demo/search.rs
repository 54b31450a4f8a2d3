//! Looks for plaintext in files: every eight bytes in a row of every text.

use std::collections::HashSet;
use std::path::Path;

use crate::tree;

const WINDOW: usize = 8;

/// What is looked for: all windows, and how windows may begin, which rules out nearly everything quickly.
pub(crate) struct Needles {
    windows: HashSet<[u8; WINDOW]>,
    beginnings: Vec<bool>,
}

fn beginning(window: &[u8]) -> usize {
    window.iter().take(2).fold(0, |number, byte| number << 8 | usize::from(*byte))
}

impl Needles {
    /// Every window of every text; a text that is too short to have one is an error.
    pub(crate) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut windows = HashSet::new();
        for text in texts {
            if text.len() < WINDOW {
                return Err(format!("\"{text}\" is too short to be searched for"));
            }
            windows.extend(text.as_bytes().windows(WINDOW).filter_map(|window| <[u8; WINDOW]>::try_from(window).ok()));
        }
        let mut beginnings = vec![false; 1 << 16];
        for window in &windows {
            if let Some(known) = beginnings.get_mut(beginning(window)) {
                *known = true;
            }
        }
        Ok(Self { windows, beginnings })
    }

    /// How many bytes belong to a piece of a text.
    pub(crate) fn bytes_in(&self, bytes: &[u8]) -> usize {
        let (mut count, mut counted) = (0, 0);
        for (at, window) in bytes.windows(WINDOW).enumerate() {
            if self.beginnings.get(beginning(window)) == Some(&true) && self.windows.contains(window) {
                count += at + WINDOW - counted.max(at);
                counted = at + WINDOW;
            }
        }
        count
    }

    /// How many bytes of all files below a directory were searched, and how many of them are plaintext.
    pub(crate) fn below(&self, directory: &Path) -> Result<(usize, usize), String> {
        let (mut searched, mut found) = (0, 0);
        for file in tree::all_files(directory) {
            let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            searched += bytes.len();
            found += self.bytes_in(&bytes);
        }
        if searched == 0 {
            Err(format!("{} has nothing to search", directory.display()))
        } else {
            Ok((searched, found))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Needles;

    #[test]
    fn plaintext_is_found_wherever_it_lies() {
        let needles = Needles::of(["meet me at nine", "the other text"].into_iter()).unwrap();
        let count = |bytes: &[u8]| needles.bytes_in(bytes);
        assert_eq!(count(b""), 0);
        assert_eq!(count(&[0; 100]), 0);
        assert_eq!(count(b"xxmeet me at ninexx"), 15);
        assert_eq!(count(b"meet me at nine"), 15);
        assert_eq!(count(b"..t me at n.."), 9, "a torn piece");
        assert_eq!(count(b"the other text--meet me at nine"), 29);
        assert_eq!(count(b"meet me"), 0, "too little to tell from chance");
        assert!(Needles::of(["short"].into_iter()).is_err());
    }
}
