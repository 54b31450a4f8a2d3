//! `cargo xtask dist android`: the AAR, from what the NDK built or from libraries that are there.

use std::path::{Path, PathBuf};

use super::{elf, jvm};
use crate::{run, tree};

const LIBRARY: &str = "libsprag_uniffi.so";

/// What goes into every AAR beside code.
const PARTS: &str = "bindings/kotlin/android";

/// The folders of our own libraries. Nobody sells phones with 32-bit Intel processors.
const FOLDERS: [&str; 3] = ["arm64-v8a", "armeabi-v7a", "x86_64"];

const WITHOUT: &str =
    "There is no NDK here. Install it (sdkmanager 'ndk;29.0.14206865'), set ANDROID_NDK_HOME, and then:
  cargo install cargo-ndk
  rustup target add aarch64-linux-android armv7-linux-androideabi x86_64-linux-android
Or name a folder with libraries that were built elsewhere: DIR/arm64-v8a/libsprag_uniffi.so and the like.";

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let libraries = match arguments {
        [] => built()?,
        [folder] => PathBuf::from(folder),
        _ => return Err("cargo xtask dist android takes a folder of built libraries, or nothing".to_owned()),
    };
    if let Some(missing) = super::missing() {
        return Err(missing);
    }
    run::finish(super::project(&tree::scratch("no-natives")?)?.args(["-DskipTests", "package"]))?;
    jna(&tree::scratch("dist-jna")?)?;
    let aar = tree::target().join("dist/sprag-android-0.1.0.aar");
    let pom = aar.with_extension("pom");
    assemble(&libraries, &tree::scratch("dist-android")?, &aar)?;
    jvm::copy(&tree::at(PARTS).join("pom.xml"), &pom)?;
    println!("{}\n{}", aar.display(), pom.display());
    Ok(())
}

/// Builds the libraries with the NDK.
fn built() -> Result<PathBuf, String> {
    let has_kit =
        ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "NDK_HOME"].iter().any(|name| std::env::var_os(name).is_some());
    if !has_kit || run::find("cargo-ndk").is_none() {
        return Err(WITHOUT.to_owned());
    }
    let libraries = tree::scratch("dist-jniLibs")?;
    let folders = FOLDERS.iter().flat_map(|folder| ["--target", folder]);
    run::finish(
        run::cargo()
            .arg("ndk")
            .args(folders)
            .args(["--platform", "23", "--output-dir"])
            .arg(&libraries)
            .args(["build", "--locked", "--profile", "dist", "--package", "sprag-uniffi"])
            .env("RUSTFLAGS", "-Clink-arg=-Wl,-z,max-page-size=16384"),
    )?;
    Ok(libraries)
}

/// Puts an AAR together, in a folder that is emptied first.
fn assemble(libraries: &Path, folder: &Path, aar: &Path) -> Result<(), String> {
    let found: Vec<&str> = FOLDERS.into_iter().filter(|name| libraries.join(name).join(LIBRARY).exists()).collect();
    if found.is_empty() {
        return Err(format!("{} has no {}/{LIBRARY} nor any other", libraries.display(), FOLDERS[0]));
    }
    jvm::clear(folder)?;
    for name in found {
        let file = libraries.join(name).join(LIBRARY);
        elf::check(name, &file)?;
        jvm::copy(&file, &folder.join("jni").join(name).join(LIBRARY))?;
    }
    for file in ["AndroidManifest.xml", "proguard.txt"] {
        jvm::copy(&tree::at(PARTS).join(file), &folder.join(file))?;
    }
    let metadata = folder.join("META-INF/com/android/build/gradle/aar-metadata.properties");
    jvm::copy(&tree::at(PARTS).join("aar-metadata.properties"), &metadata)?;
    std::fs::write(folder.join("R.txt"), "").map_err(|error| error.to_string())?;
    let classes = tree::scratch("kotlin")?.join("classes");
    archive(&folder.join("classes.jar"), &classes, &["dev", "META-INF"])?;
    archive(aar, folder, &["."])
}

/// Makes an archive of parts of a folder.
fn archive(archive: &Path, folder: &Path, parts: &[&str]) -> Result<(), String> {
    std::fs::create_dir_all(archive.parent().unwrap_or(archive)).map_err(|error| error.to_string())?;
    let mut command = run::program("jar");
    command.args(["--create", "--no-manifest", "--date=2026-01-01T00:00:00Z", "--file"]).arg(archive);
    command.arg("-C").arg(folder).args(parts.iter().take(1));
    for part in parts.iter().skip(1) {
        command.arg("-C").arg(folder).arg(part);
    }
    run::finish(&mut command)
}

/// Checks the libraries of the JNA that an app gets with ours.
fn jna(place: &Path) -> Result<(), String> {
    let build = std::fs::read_to_string(tree::at(super::PROJECT)).map_err(|error| error.to_string())?;
    let version =
        build.split_once("<jna.version>").and_then(|(_, rest)| rest.split_once('<')).map(|(version, _)| version);
    let version = version.ok_or("the version of JNA is not in the build file")?;
    run::finish(
        super::maven(&tree::at(super::PROJECT))?
            .arg("org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy")
            .arg(format!("-Dartifact=net.java.dev.jna:jna:{version}:aar"))
            .arg(format!("-DoutputDirectory={}", place.display())),
    )?;
    let aar = place.join(format!("jna-{version}.aar"));
    run::finish(run::program("jar").current_dir(place).args(["--extract", "--file"]).arg(&aar))?;
    for folder in FOLDERS {
        elf::check_theirs(folder, &place.join("jni").join(folder).join("libjnidispatch.so"))?;
    }
    Ok(())
}

/// The step of `cargo xtask test`: an AAR around a stand-in, and refusals. `natives` has the host's own library, which is for no
/// phone.
pub(super) fn test(natives: &Path) -> Result<(), String> {
    println!("Kotlin: an AAR is put together, and what is not fit for it is refused");
    let place = tree::scratch("kotlin-android")?;
    let (libraries, aar) = (place.join("libraries"), place.join("sprag-android.aar"));
    let folder = place.join("aar");
    let stand_in = libraries.join("x86_64").join(LIBRARY);
    let hosts = tree::all_files(natives).into_iter().next().ok_or("the host has no library")?;
    jvm::copy(&hosts, &stand_in)?;
    match assemble(&libraries, &folder, &aar) {
        Err(fault) if fault.contains("max-page-size") || fault.contains("for Aarch64") => {}
        other => return Err(format!("a library for pages of 4 KiB was not refused: {other:?}")),
    }
    if !cfg!(target_arch = "x86_64") || run::find("gcc").is_none() {
        return Ok(());
    }
    let source = place.join("stand-in.c");
    std::fs::write(&source, "int sprag_stands_in(void) { return 1; }\n").map_err(|error| error.to_string())?;
    let flags = ["-shared", "-fPIC", "-nostdlib", "-s", "-Wl,-z,max-page-size=16384", "-o"];
    run::finish(run::program("gcc").args(flags).arg(&stand_in).arg(&source))?;
    assemble(&libraries, &folder, &aar)?;
    let listed = run::output(run::program("jar").args(["--list", "--file"]).arg(&aar))?;
    for part in ["AndroidManifest.xml", "classes.jar", "proguard.txt", "R.txt", "jni/x86_64/libsprag_uniffi.so"] {
        if !listed.lines().any(|line| line == part) {
            return Err(format!("the AAR has no {part}"));
        }
    }
    let classes = run::output(run::program("jar").args(["--list", "--file"]).arg(folder.join("classes.jar")))?;
    let has = |name: &str| classes.lines().any(|line| line == name);
    if !has("dev/sprag/Client.class") || !has("dev/sprag/Driver.class") || classes.contains("libsprag_uniffi") {
        return Err("classes.jar holds the classes, and nothing native".to_owned());
    }
    Ok(())
}
