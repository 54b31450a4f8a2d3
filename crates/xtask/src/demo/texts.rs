//! What is said in the demo. Every text is said once, and long enough to be searched for.

/// Exactly 64 KiB of made-up words, different for each seed.
pub(crate) fn long(seed: u64) -> String {
    const SYLLABLES: [&str; 16] =
        ["ka", "lo", "mi", "ru", "ten", "sa", "vo", "ghi", "pra", "ue", "zim", "dy", "fex", "ho", "jal", "wub"];
    let mut state = seed;
    let mut text = String::with_capacity(65_540);
    while text.len() < 65_536 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(SYLLABLES.get((state >> 60) as usize).copied().unwrap_or(" "));
        if state >> 40 & 3 == 0 {
            text.push(' ');
        }
    }
    text.truncate(65_536);
    text
}

/// Short lines, emoji, combining marks, other scripts, and what lines are escaped for.
pub(crate) const SHORT: [&str; 8] = [
    "Shall we meet at the old windmill?",
    "Emoji: 👩🏽‍🚀🧑‍🤝‍🧑🏴󠁧󠁢󠁥󠁮󠁧󠁿 and a 👍🏿",
    "Combining: e\u{301}a\u{308}\u{323} n\u{303}o\u{302}\u{308}, z\u{351}\u{36b}\u{343}a\u{323}\u{31a}lgo",
    "שלום עולם — مرحبا بالعالم",
    "日本語の短い文、そして한국어",
    "two lines\nand a \\n that is none, C:\\new\\table",
    "tab\there, carriage\rthere, and trailing spaces   ",
    "  leading spaces: colons, \"quotes\" and %s %n",
];

/// A text as a line of the script.
pub(crate) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

/// The text in a line of the script.
pub(crate) fn unescape(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// A text for the report: in one line, long ones abbreviated.
pub(crate) fn brief(text: &str) -> String {
    let line = escape(text);
    let shown: String = line.chars().take(60).collect();
    if shown.len() < line.len() { format!("{shown}… ({} bytes)", text.len()) } else { line }
}

#[cfg(test)]
mod tests {
    use super::{SHORT, brief, escape, long, unescape};

    #[test]
    fn texts_are_as_promised() {
        assert_eq!(long(1).len(), 65_536);
        assert_ne!(long(1), long(2));
        assert_eq!((brief("a\nb").as_str(), brief(&long(1)).ends_with("… (65536 bytes)")), ("a\\nb", true));
        assert!(SHORT.iter().all(|text| text.len() >= 16 && unescape(&escape(text)) == *text));
    }
}
