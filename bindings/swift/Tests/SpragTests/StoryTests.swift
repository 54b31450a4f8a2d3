import Foundation
import Testing

@Suite struct StoryTests {
    @Test func theStoryIsAsItIsTold() throws {
        let top = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        let story = try String(contentsOf: top.appendingPathComponent("docs/vectors/story.txt"), encoding: .utf8)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let replay = Replay(folder)
        defer { replay.end() }
        var steps = 0
        for (number, line) in story.components(separatedBy: "\n").enumerated() {
            let tag = line.split(separator: " ").first.map(String.init) ?? ""
            if line.isEmpty || line.hasPrefix("#") || tag.hasPrefix("@") && !Replay.tags.contains(tag) { continue }
            do {
                try replay.run(line)
            } catch {
                Issue.record("story.txt:\(number + 1): \(line): \(error)")
                return
            }
            steps += 1
        }
        #expect(steps > 150)
    }
}
