import CKernels
import Foundation
import Testing

@Suite struct DispatchTests {
  @Test func `tables are found by name and carry it`() throws {
    for set in InstructionSet.all {
      let name = try set.kernels.instruction_set
      #expect(name.map { String(cString: $0) } == set.testDescription)
    }
    #expect(vk_kernels_named("portable") != nil)
    #expect(vk_kernels_named("mmx") == nil)
    #expect(vk_kernels_named("") == nil)
  }

  @Test func `the best instruction set is used unless the environment names another`() {
    let best = InstructionSet.all.last?.testDescription ?? ""
    let asked = ProcessInfo.processInfo.environment["VLM_CONVERT_KERNELS"] ?? best
    let expected = asked.withCString { vk_kernels_named($0) } == nil ? best : asked
    #expect(String(cString: vk_instruction_set()) == expected)
  }

  @Test func `plain calls go to the chosen table`() throws {
    let chosen = try #require(vk_kernels_named(vk_instruction_set())).pointee
    var random = Seeded(1)
    let w = random.normals(5 * 37), x = random.normals(37)
    let product = filled(5) { vk_f32_matvec($0, w, x, 5, 37) }
    #expect(product == filled(5) { chosen.f32_matvec($0, w, x, 5, 37) })
    let softplus = filled(37) { vk_softplus($0, x, 37) }
    #expect(softplus == filled(37) { chosen.softplus($0, x, 37) })
    #expect(vk_all_within(x, 37, .greatestFiniteMagnitude) == 1)
  }
}
