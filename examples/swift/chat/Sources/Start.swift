import Foundation

/// The store's key and the relay's token: read, or made on the first start for the owner alone.
func secrets(_ path: String) throws -> (key: Data, token: Data) {
    if let secret = FileManager.default.contents(atPath: path), secret.count == 64 {
        return (secret.prefix(32), Data(secret.suffix(32)))
    }
    let secret = Data((0..<64).map { _ in UInt8.random(in: .min ... .max) })
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    if file < 0 { throw CocoaError(.fileWriteFileExists) }
    let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    try handle.write(contentsOf: secret)
    try handle.synchronize()
    return (secret.prefix(32), Data(secret.suffix(32)))
}

/// The lines of the standard input. A thread of its own waits for them.
func lines() -> AsyncStream<String> {
    AsyncStream { lines in
        Thread.detachNewThread {
            while let line = readLine() { lines.yield(line) }
            lines.finish()
        }
    }
}
