// A code that is printed by mistake would lie in a log for longer than its minute.
extension LinkCode: CustomDebugStringConvertible, CustomReflectable {
    /// What may be printed, as in `description`: when it is worth nothing any more, and nothing else.
    public var debugDescription: String { description }

    /// The same, for `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: ["expires": expires]) }
}
