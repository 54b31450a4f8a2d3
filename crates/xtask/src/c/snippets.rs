//! What the README says to a programmer of C or C++, done: each program is copied into an empty directory, built against an
//! installation with pkg-config or CMake, and run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{run, tree};

const SAYS: &str = "alice says hello\n";

pub(crate) fn build(prefix: &Path) -> Result<(), String> {
    println!("C and C++: the README's programs");
    let readme = fs::read_to_string(tree::at("README.md")).map_err(|error| format!("README.md: {error}"))?;
    in_c(prefix, &readme)?;
    for target in ["sprag::static", "sprag::shared"] {
        in_cpp(prefix, &readme, target)?;
    }
    Ok(())
}

fn in_c(prefix: &Path, readme: &str) -> Result<(), String> {
    let folder = empty("c")?;
    write(&folder.join("hello.c"), &block(readme, "c")?)?;
    let flags = run::output(
        run::program("pkg-config")
            .args(["--cflags", "--libs", "sprag"])
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")),
    )?;
    let mut compiler = Command::new("cc");
    run::finish(compiler.current_dir(&folder).arg("hello.c").args(flags.split_whitespace()).args(["-o", "hello"]))?;
    says_hello(Command::new(folder.join("hello")).env("LD_LIBRARY_PATH", prefix.join("lib")))
}

fn in_cpp(prefix: &Path, readme: &str, target: &str) -> Result<(), String> {
    let folder = empty("cpp")?;
    write(&folder.join("hello.cpp"), &block(readme, "cpp")?)?;
    write(&folder.join("CMakeLists.txt"), &block(readme, "cmake")?.replace("sprag::static", target))?;
    let mut where_it_is = std::ffi::OsString::from("-DCMAKE_PREFIX_PATH=");
    where_it_is.push(prefix);
    let mut cmake = Command::new("cmake");
    run::output(cmake.current_dir(&folder).args(["-S", ".", "-B", "build"]).arg(where_it_is))?;
    run::output(Command::new("cmake").current_dir(&folder).args(["--build", "build"]))?;
    says_hello(&mut Command::new(folder.join("build/hello")))
}

fn says_hello(program: &mut Command) -> Result<(), String> {
    match run::output(program)? {
        said if said == SAYS => Ok(()),
        said => Err(format!("the README's program says {said:?}")),
    }
}

/// The README's one block in a language.
fn block(readme: &str, language: &str) -> Result<String, String> {
    let begin = format!("\n```{language}\n");
    let (_, rest) = readme.split_once(&begin).ok_or(format!("the README has nothing in {language}"))?;
    rest.split_once("```\n").map(|(text, _)| text.to_owned()).ok_or(format!("the README's {language} does not end"))
}

fn empty(name: &str) -> Result<PathBuf, String> {
    let folder = tree::scratch(&format!("snippets-{name}"))?;
    fs::remove_dir_all(&folder).and_then(|()| fs::create_dir_all(&folder)).map_err(|error| error.to_string())?;
    Ok(folder)
}

fn write(to: &Path, text: &str) -> Result<(), String> {
    fs::write(to, text).map_err(|error| format!("{}: {error}", to.display()))
}
