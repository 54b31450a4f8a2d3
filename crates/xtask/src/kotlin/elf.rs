//! Whether a native library may go to Android users: for the right processor, laid out for pages of 16 KiB, and stripped.

use std::path::Path;

use object::{Architecture, Object, ObjectKind, ObjectSection, ObjectSegment};

/// What Google Play asks of every loadable segment.
const PAGE: u64 = 16 * 1024;

/// The folders of an AAR, and the processor of the libraries in each.
const PROCESSORS: &[(&str, Architecture)] = &[
    ("arm64-v8a", Architecture::Aarch64),
    ("armeabi-v7a", Architecture::Arm),
    ("x86_64", Architecture::X86_64),
    ("x86", Architecture::I386),
];

/// Refuses a library that is not fit; `folder` names the processor, as Android does. The page's size is asked of those for 64
/// bits alone: the others run nowhere with larger pages.
pub(super) fn check(folder: &str, file: &Path) -> Result<(), String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    fit(folder, &bytes, true).map_err(|fault| format!("{}: {fault}", file.display()))
}

/// The same for somebody else's library: how it was stripped is their affair.
pub(super) fn check_theirs(folder: &str, file: &Path) -> Result<(), String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    fit(folder, &bytes, false).map_err(|fault| format!("{}: {fault}", file.display()))
}

fn fit(folder: &str, bytes: &[u8], is_ours: bool) -> Result<(), String> {
    let known = PROCESSORS.iter().find(|(name, _)| *name == folder);
    let (_, processor) = known.ok_or_else(|| format!("Android has no folder {folder}"))?;
    let file = object::File::parse(bytes).map_err(|error| format!("not a library: {error}"))?;
    if file.kind() != ObjectKind::Dynamic {
        return Err("not a shared library".to_owned());
    }
    if file.architecture() != *processor {
        return Err(format!("for {:?}, and {folder} is for {processor:?}", file.architecture()));
    }
    for segment in file.segments().filter(|_| file.is_64()) {
        let (offset, _) = segment.file_range();
        if segment.align() < PAGE || segment.address() % PAGE != offset % PAGE {
            let (at, align) = (segment.address(), segment.align());
            return Err(format!(
                "the segment at {at:#x} is aligned to {align:#x}: link with -Wl,-z,max-page-size=16384"
            ));
        }
    }
    let is_for_debuggers = |name: &str| name == ".symtab" || name.starts_with(".debug_");
    let left = file
        .sections()
        .find_map(|section| section.name().ok().filter(|name| is_for_debuggers(name)).map(str::to_owned));
    match left {
        Some(section) if is_ours => Err(format!("not stripped: it has {section}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    /// A shared library of 64 bits: one segment with an alignment, and sections with a name.
    fn library(machine: u16, align: u64, section: &str) -> Vec<u8> {
        let names = format!("\0{section}\0.shstrtab\0");
        let (segments, strings) = (64_u64, 64 + 56);
        let sections = strings + names.len() as u64;
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend([3_u16, machine].iter().flat_map(|number| number.to_le_bytes()));
        file.extend(1_u32.to_le_bytes());
        file.extend([0, segments, sections].iter().flat_map(|number| number.to_le_bytes()));
        file.extend(0_u32.to_le_bytes());
        file.extend([64_u16, 56, 1, 64, 3, 2].iter().flat_map(|number| number.to_le_bytes()));
        file.extend([1_u32, 5].iter().flat_map(|number| number.to_le_bytes()));
        file.extend([0_u64, 0, 0, 64, 64, align].iter().flat_map(|number| number.to_le_bytes()));
        file.extend(names.as_bytes());
        for (name, kind, offset, size) in
            [(0, 0, 0, 0), (1, 1, 0, 8), (2 + section.len() as u32, 3, strings, names.len() as u64)]
        {
            file.extend([name, kind].iter().flat_map(|number: &u32| number.to_le_bytes()));
            file.extend([0, 0, offset, size].iter().flat_map(|number: &u64| number.to_le_bytes()));
            file.extend([0_u32, 0].iter().flat_map(|number| number.to_le_bytes()));
            file.extend([1_u64, 0].iter().flat_map(|number| number.to_le_bytes()));
        }
        file
    }

    const ARM64: u16 = 183;

    #[test]
    fn a_library_that_is_fit_is_taken() {
        assert_eq!(fit("arm64-v8a", &library(ARM64, 0x4000, ".text"), true), Ok(()));
        assert_eq!(fit("arm64-v8a", &library(ARM64, 0x1_0000, ".text"), true), Ok(()));
        assert_eq!(fit("x86_64", &library(62, 0x4000, ".text"), true), Ok(()));
    }

    #[test]
    fn a_library_that_is_not_fit_is_refused_and_it_is_said_why() {
        let refused = |folder, bytes: &[u8], why: &str| {
            let fault = fit(folder, bytes, true).expect_err(why);
            assert!(fault.contains(why), "{fault}");
        };
        refused("arm64-v8a", &library(ARM64, 0x1000, ".text"), "aligned to 0x1000");
        refused("arm64-v8a", &library(62, 0x4000, ".text"), "for X86_64");
        refused("arm64-v8a", &library(ARM64, 0x4000, ".symtab"), "not stripped");
        refused("arm64-v8a", &library(ARM64, 0x4000, ".debug_line"), "not stripped");
        refused("arm64", &library(ARM64, 0x4000, ".text"), "no folder");
        refused("arm64-v8a", b"not an ELF file, and long enough for anybody", "not a library");
        let mut program = library(ARM64, 0x4000, ".text");
        program[16] = 2;
        refused("arm64-v8a", &program, "not a shared library");
        assert_eq!(fit("arm64-v8a", &library(ARM64, 0x4000, ".symtab"), false), Ok(()));
    }
}
