//! The swift part.

use crate::test::Ran;

pub(crate) fn test() -> Result<Ran, String> {
    Ok(Ran::Absent)
}
