// swift-tools-version:5.9
import PackageDescription

// For tests alone. The kit's library has Sprag's own face in it as well: it is laid where that one is looked for, under its name.
let package = Package(
    name: "SpragTestKit",
    products: [.library(name: "SpragTestKit", targets: ["SpragTestKit"])],
    dependencies: [.package(path: "../swift")],
    targets: [
        .systemLibrary(name: "SpragTestKitFFI", path: "Sources/SpragTestKitFFI"),
        .target(
            name: "SpragTestKit",
            dependencies: ["SpragTestKitFFI", .product(name: "Sprag", package: "swift")],
            path: "generated",
            exclude: ["SpragTestKitFFI.h", "SpragTestKitFFI.modulemap"],
            sources: ["SpragTestKitBindings.swift"]
        ),
        .testTarget(
            name: "SpragTestKitTests",
            dependencies: ["SpragTestKit", .product(name: "Sprag", package: "swift")]
        ),
    ]
)
