// swift-tools-version:5.9
import PackageDescription

// On Linux the library is found by LIBRARY_PATH and LD_LIBRARY_PATH.
let package = Package(
    name: "Sprag",
    products: [.library(name: "Sprag", targets: ["Sprag"])],
    targets: [
        .systemLibrary(name: "SpragFFI", path: "Sources/SpragFFI"),
        .target(
            name: "SpragBindings",
            dependencies: ["SpragFFI"],
            path: "generated",
            exclude: ["SpragFFI.h", "SpragFFI.modulemap"],
            sources: ["SpragBindings.swift"]
        ),
        .target(name: "Sprag", dependencies: ["SpragBindings"]),
        .testTarget(name: "SpragTests", dependencies: ["Sprag"]),
    ]
)
