//! The generator of the bindings: UniFFI's own, in the pinned version.

fn main() {
    uniffi::uniffi_bindgen_main();
}
