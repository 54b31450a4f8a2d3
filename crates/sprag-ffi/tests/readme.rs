//! The README's programs in C, C++ and Kotlin are the files that the tests of these languages compile and run. Those in
//! Swift and Python are taken from the page itself.

#[test]
fn the_readme_holds_the_very_programs_that_the_tests_run() {
    let readme = include_str!("../../../README.md");
    let programs = [
        ("c", include_str!("c/readme.c")),
        ("cpp", include_str!("cpp/readme.cpp")),
        ("kotlin", include_str!("../../../bindings/kotlin/src/test/kotlin/dev/sprag/Readme.kt")),
    ];
    for (language, program) in programs {
        assert!(readme.contains(&format!("```{language}\n{program}```\n")), "{language}");
    }
}
