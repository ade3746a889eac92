import ArgumentParser

@main
struct VLMConvert: AsyncParsableCommand {
}
