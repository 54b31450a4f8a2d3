// swift-tools-version: 6.0
import PackageDescription

#if canImport(Darwin)
    // `cargo xtask dist apple` makes it.
    let library = Target.binaryTarget(name: "SpragFFI", path: "SpragFFI.xcframework")
    let excluded: [String] = []
    let resources: [Resource] = [.copy("PrivacyInfo.xcprivacy")]
#else
    // `cargo xtask dist swift` makes it, and the file for PKG_CONFIG_PATH that says where it is.
    let library = Target.systemLibrary(name: "SpragFFI", path: "Sources/SpragFFI", pkgConfig: "sprag-swift")
    let excluded = ["PrivacyInfo.xcprivacy"]
    let resources: [Resource] = []
#endif

let package = Package(
    name: "Sprag",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Sprag", targets: ["Sprag"])],
    targets: [
        library,
        .target(
            name: "SpragBindings",
            dependencies: ["SpragFFI"],
            path: "generated",
            exclude: ["SpragFFI.h", "SpragFFI.modulemap"],
            sources: ["SpragBindings.swift"]
        ),
        .target(name: "Sprag", dependencies: ["SpragBindings"], exclude: excluded, resources: resources),
        .testTarget(name: "SpragTests", dependencies: ["Sprag"]),
    ],
    swiftLanguageModes: [.v6]
)
