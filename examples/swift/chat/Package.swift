// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "chat",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "../../../bindings/swift")],
    targets: [
        .executableTarget(
            name: "chat",
            dependencies: [.product(name: "Sprag", package: "swift")],
            path: "Sources"
        )
    ],
    swiftLanguageModes: [.v6]
)
