import CKernels
import Foundation
import Testing

/// Functions of one number, over the whole range of floats.
@Suite struct ElementaryTests {
  /// Every 1009th float, and the neighbourhoods of the places where something changes.
  static let sweep: [Float] = {
    var values = stride(from: UInt32(0), to: UInt32.max - 1009, by: 1009).map(
      Float.init(bitPattern:))
    for centre: Float in [
      0, 1, -1, 20, 88.72284, -87.33655, -103.97208, -104, 9.5, -13.4, 0.5, -0.5,
    ] {
      var up = centre, down = centre
      for _ in 0..<200 {
        values += [up, down]
        up = up.nextUp
        down = down.nextDown
      }
    }
    values += [.infinity, -.infinity, .nan, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
    return values
  }()

  /// Results below the normal floats are rounded to a fixed step.
  static let subnormalStep = 0x1p-149

  typealias Function = (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void

  func check(
    _ function: Function, truth: (Double) -> Double, relative: Double, absolute: Double = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let values = Self.sweep
    let found = filled(values.count) { function($0, values, values.count) }
    // What rounds to an infinite float is compared as such.
    let expected = values.map { value -> Double in
      let exact = truth(Double(value))
      return abs(exact) >= 0x1.ffffffp127 ? Double(Float(exact)) : exact
    }
    expectClose(
      found, expected,
      bound: { max(relative * abs(expected[$0]), absolute, Self.subnormalStep) },
      sourceLocation: sourceLocation)
  }

  @Test(arguments: InstructionSet.all)
  func `the exponential is within 2e-7, down to subnormals`(set: InstructionSet) throws {
    check(try set.kernels.exp, truth: exp, relative: 2e-7)
  }

  @Test(arguments: InstructionSet.all)
  func `softplus is within 5e-7, also where it is nearly the exponential`(
    set: InstructionSet
  ) throws {
    check(
      try set.kernels.softplus, truth: { $0 > 20 ? $0 : log1p(exp($0)) }, relative: 5e-7)
  }

  @Test(arguments: InstructionSet.all)
  func `silu is within 4e-7`(set: InstructionSet) throws {
    let kernels = try set.kernels
    check(
      { kernels.activate($0, $1, Int32(VK_SILU.rawValue), $2) },
      truth: { $0 / (1 + exp(-$0)) }, relative: 4e-7, absolute: 2e-43)
  }

  /// In the tails the argument of the exponential is large, and its rounding counts as many times.
  @Test(arguments: InstructionSet.all)
  func `both forms of gelu and quick gelu are within 3e-7`(set: InstructionSet) throws {
    let kernels = try set.kernels
    func activation(_ kind: vk_activation) -> Function {
      { kernels.activate($0, $1, Int32(kind.rawValue), $2) }
    }
    check(
      activation(VK_GELU), truth: { $0 * erfc(-$0 / 2.squareRoot()) / 2 }, relative: 3e-7,
      absolute: 3e-7)
    check(
      activation(VK_GELU_TANH),
      truth: { x in
        let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
        return x / (1 + exp(-2 * inner))
      }, relative: 3e-7, absolute: 3e-7)
    check(
      activation(VK_QUICK_GELU), truth: { $0 / (1 + exp(-1.702 * $0)) }, relative: 3e-7,
      absolute: 3e-7)
  }

  @Test(arguments: InstructionSet.all, [0, 1, 15, 16, 17, 33])
  func `gates and sums reach exactly to the end`(set: InstructionSet, count: Int) throws {
    let kernels = try set.kernels
    var random = Seeded(count)
    let a = random.normals(count), b = random.normals(count)
    let sum = filled(count) { kernels.add($0, a, b, count) }
    #expect(sum == zip(a, b).map(+))
    let gated = filled(count) { kernels.gate_silu($0, a, b, count) }
    let truth = zip(a, b).map { Double($0) * Double($1) / (1 + exp(-Double($1))) }
    expectClose(gated, truth) { 5e-7 * abs(truth[$0]) }
  }
}
