//! The README's programs in C, C++, Kotlin and Swift are the files that the tests of these languages compile and run.

#[test]
fn the_readme_holds_the_very_programs_that_the_tests_run() {
    let readme = include_str!("../../../README.md");
    let programs = [
        ("c", include_str!("c/readme.c")),
        ("cpp", include_str!("cpp/readme.cpp")),
        ("kotlin", include_str!("../../../bindings/kotlin/src/test/kotlin/dev/sprag/Readme.kt")),
        ("swift", include_str!("../../../bindings/swift/Tests/SpragTests/Readme.swift")),
    ];
    for (language, program) in programs {
        assert!(readme.contains(&format!("```{language}\n{program}```\n")), "{language}");
    }
}
