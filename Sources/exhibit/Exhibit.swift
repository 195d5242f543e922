import ExhibitCommands

@main
enum Exhibit {
    static func main() async { await ExhibitCommand.runAndExit() }
}
