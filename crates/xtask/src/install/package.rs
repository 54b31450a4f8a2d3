//! The files of an installation: headers, libraries, and how pkg-config and CMake find them.

use std::fs;
use std::path::Path;

use super::dist::{Libraries, SONAME, Sqlite};
use crate::tree;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Writes everything below `root`, for programs that will find it below `prefix`.
pub(crate) fn lay(libraries: &Libraries, prefix: &Path, root: &Path) -> Result<(), String> {
    for folder in ["include", "lib/pkgconfig", "lib/cmake/Sprag"] {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    for header in tree::all_files(&tree::at("include")) {
        copy(&header, &root.join("include").join(header.file_name().unwrap_or_default()))?;
    }
    let lib = root.join("lib");
    copy(&libraries.archive, &lib.join("libsprag.a"))?;
    copy(&libraries.shared, &lib.join(SONAME))?;
    let link = lib.join("libsprag.so");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(SONAME, &link).map_err(|error| format!("{}: {error}", link.display()))?;
    write(&lib.join("pkgconfig/sprag.pc"), &pkg_config(libraries.sqlite, prefix))?;
    let cmake = lib.join("cmake/Sprag");
    write(&cmake.join("SpragConfig.cmake"), &cmake_package(libraries.sqlite))?;
    write(&cmake.join("SpragConfigVersion.cmake"), &cmake_version())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    // A program that has the old one mapped keeps it.
    let _ = fs::remove_file(to);
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", to.display()))
}

fn write(to: &Path, text: &str) -> Result<(), String> {
    fs::write(to, text).map_err(|error| format!("{}: {error}", to.display()))
}

fn pkg_config(sqlite: Sqlite, prefix: &Path) -> String {
    format!(
        "prefix={}\nincludedir=${{prefix}}/include\nlibdir=${{prefix}}/lib\n\nName: Sprag\n\
         Description: End-to-end encryption for messengers that exist\n\
         URL: https://github.com/sprag-crypto/sprag\nVersion: {VERSION}\nCflags: -I${{includedir}}\n\
         Libs: -L${{libdir}} -lsprag\nLibs.private: {}\n",
        prefix.display(),
        sqlite.libraries().join(" "),
    )
}

/// The paths follow from where this file is, so that the whole directory can be moved.
fn cmake_package(sqlite: Sqlite) -> String {
    let libraries: Vec<&str> = sqlite.libraries().iter().map(|flag| flag.trim_start_matches("-l")).collect();
    format!(
        r#"get_filename_component(_sprag "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)

if(NOT TARGET sprag::shared)
  add_library(sprag::shared SHARED IMPORTED)
  set_target_properties(sprag::shared PROPERTIES
    IMPORTED_LOCATION "${{_sprag}}/lib/{SONAME}"
    IMPORTED_SONAME "{SONAME}"
    INTERFACE_INCLUDE_DIRECTORIES "${{_sprag}}/include")
  add_library(sprag::static STATIC IMPORTED)
  set_target_properties(sprag::static PROPERTIES
    IMPORTED_LOCATION "${{_sprag}}/lib/libsprag.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES "C"
    INTERFACE_INCLUDE_DIRECTORIES "${{_sprag}}/include"
    INTERFACE_LINK_LIBRARIES "{}")
endif()

unset(_sprag)
"#,
        libraries.join(";"),
    )
}

/// Before 1.0 a minor release may change what it says.
fn cmake_version() -> String {
    let minor = VERSION.rsplit_once('.').map_or(VERSION, |(minor, _)| minor);
    format!(
        r#"set(PACKAGE_VERSION "{VERSION}")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
elseif("${{PACKAGE_FIND_VERSION_MAJOR}}.${{PACKAGE_FIND_VERSION_MINOR}}" STREQUAL "{minor}" OR NOT PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
else()
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
endif()
"#
    )
}
