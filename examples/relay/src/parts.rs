//! The relay's bodies: parts, each a big-endian u32 length and so many bytes, one after the other.

/// Joins parts into a body.
#[must_use]
pub fn join<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let part = part.as_ref();
        body.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(part);
    }
    body
}

/// Splits a body into its parts; none if its lengths do not add up.
#[must_use]
pub fn split(mut body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parts = Vec::new();
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        parts.push(part.to_vec());
        body = rest;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_broken_bodies_do_not() {
        let parts = vec![vec![], vec![1; 300], b"x".to_vec()];
        let body = join(&parts);
        assert_eq!(split(&body), Some(parts));
        assert_eq!(split(&body[..body.len() - 1]), None);
        assert_eq!(split(&[0, 0, 0]), None);
        assert_eq!(split(&[]), Some(Vec::new()));
    }
}
