//! The words of the command line.

use std::path::PathBuf;

const USAGE: &str = "sprag-chat --as NAME --relay URL --store PATH [--link] [--in-band] [--script]";

/// What was asked for.
pub(crate) struct Arguments {
    /// The account's name: what others type to reach it.
    pub(crate) name: String,
    /// Where the relay is, as `http://host:port`.
    pub(crate) relay: String,
    /// The file of the store.
    pub(crate) store: PathBuf,
    /// Whether a new store is that of a device more of an account that exists.
    pub(crate) link: bool,
    /// Whether keys travel in messages alone, for a relay that keeps none.
    pub(crate) in_band: bool,
    /// Whether a program is at the other end and not a person.
    pub(crate) script: bool,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut name, mut relay, mut store) = (None, None, None);
        let (mut link, mut in_band, mut script) = (false, false, false);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--as" => name = words.next(),
                "--relay" => relay = words.next(),
                "--store" => store = words.next(),
                "--link" => link = true,
                "--in-band" => in_band = true,
                "--script" => script = true,
                _ => return Err(format!("{word} is unknown\n{USAGE}")),
            }
        }
        let (Some(name), Some(relay), Some(store)) = (name, relay, store) else { return Err(USAGE.to_owned()) };
        if name.contains(|c: char| c.is_whitespace() || c == ':') {
            return Err("a name has no spaces and no colon".to_owned());
        }
        let relay = relay.trim_end_matches('/').to_owned();
        if !relay.starts_with("http://") {
            return Err("the relay's address begins with http://".to_owned());
        }
        Ok(Self { name, relay, store: store.into(), link, in_band, script })
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn what_is_needed_is_asked_for() {
        let good = parse("--as alice --relay http://[::1]:80/ --store /tmp/a --script --in-band").unwrap();
        assert_eq!((good.name.as_str(), good.relay.as_str()), ("alice", "http://[::1]:80"));
        assert!(good.script && good.in_band && !good.link);
        for bad in [
            "",
            "--as alice",
            "--as alice --relay http://x --store",
            "--as a:b --relay http://x --store y",
            "--as a --relay https://x --store y",
            "--as a --relay http://x --store y --more",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
