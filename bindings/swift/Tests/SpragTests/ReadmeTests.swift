import XCTest

final class ReadmeTests: XCTestCase {
    func testTheProgramInTheReadmeWorks() throws {
        var shown: [String] = []
        try sayHello { shown.append($0) }
        XCTAssertEqual(shown, ["alice says hello"])
    }
}
