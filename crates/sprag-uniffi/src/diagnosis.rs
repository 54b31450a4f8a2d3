//! A client in numbers, for a support ticket.

/// How a client and its store are. Nothing in it is secret, and no account, message or conversation is named.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Diagnosis {
    /// The library's version.
    pub version: String,
    /// The version of SQLite.
    pub sqlite: String,
    /// The operating system.
    pub os: String,
    /// The processor.
    pub processor: String,
    /// The number of the store's format: major · 100 + minor.
    pub format: u32,
    /// When it was made, Unix seconds.
    pub at: u64,
    /// Since which day the counters count: Unix seconds of its beginning, UTC.
    pub since: u64,
    /// Every number that could be found out, and every counter above 0.
    pub figures: Vec<Figure>,
    /// All of it as text, a line for each number.
    pub text: String,
}

/// One number of a diagnosis.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Figure {
    /// What it is: a name that stays, in small letters and `_`. Those that begin with `verdict_` and `event_` are counters; those
    /// that end with `_seconds` are times until now.
    pub name: String,
    /// Of a counter, why, where there is a reason: `reason_text` puts it into words.
    pub reason: Option<u32>,
    /// The number.
    pub value: u64,
    /// Of a counter, the last day on which it rose: Unix seconds of its beginning, UTC.
    pub last: Option<u64>,
}

impl From<sprag::Diagnosis> for Diagnosis {
    fn from(from: sprag::Diagnosis) -> Self {
        let figure = |figure: &sprag::Figure| Figure {
            name: figure.name.to_owned(),
            reason: figure.reason.map(sprag::Reason::code),
            value: figure.value,
            last: figure.last,
        };
        Self {
            text: from.to_string(),
            figures: from.figures.iter().map(figure).collect(),
            version: from.version.to_owned(),
            sqlite: from.sqlite.to_owned(),
            os: from.os.to_owned(),
            processor: from.processor.to_owned(),
            format: from.format,
            at: from.at,
            since: from.since,
        }
    }
}
