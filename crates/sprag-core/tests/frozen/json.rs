//! As much JSON as vectors need: objects in a fixed order, lists, texts, numbers.

/// A JSON value.
#[derive(Clone)]
pub enum Json {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// Bytes as hexadecimal digits.
    pub fn hex(bytes: impl AsRef<[u8]>) -> Self {
        Self::Text(bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn str(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The file: indented, ending with a newline.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.put(&mut out, 0);
        out.push('\n');
        out
    }

    fn put(&self, out: &mut String, depth: usize) {
        let mut nest = |open: char, close: char, items: Vec<(String, &Self)>| {
            out.push(open);
            for (i, (head, item)) in items.iter().enumerate() {
                out.push_str(if i == 0 { "\n" } else { ",\n" });
                out.push_str(&" ".repeat(2 * depth + 2));
                out.push_str(head);
                item.put(out, depth + 1);
            }
            out.push('\n');
            out.push_str(&" ".repeat(2 * depth));
            out.push(close);
        };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => out.push_str(&value.to_string()),
            // What we write has no character that JSON escapes.
            Self::Text(text) => {
                assert!(text.chars().all(|c| !c.is_control() && c != '"' && c != '\\'), "{text}");
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
            Self::List(items) => nest('[', ']', items.iter().map(|item| (String::new(), item)).collect()),
            Self::Object(fields) => {
                nest('{', '}', fields.iter().map(|(key, item)| (format!("\"{key}\": "), item)).collect());
            }
        }
    }
}
