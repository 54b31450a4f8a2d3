//! demo

pub(crate) fn command(_: &[String]) -> Result<(), String> {
    Err("nothing".to_owned())
}
