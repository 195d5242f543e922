import PackagePlugin

@main
struct BuildTestImages: CommandPlugin {
    func performCommand(context: PluginContext, arguments: [String]) async throws {}
}
