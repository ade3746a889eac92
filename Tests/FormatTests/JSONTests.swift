import Testing

@testable import Format

@Suite struct JSONReadingTests {
  private func parse(_ text: String, nonFinite: Bool = false) throws -> JSON {
    try JSON(parsing: Array(text.utf8), allowNonFinite: nonFinite)
  }

  static let values: [(String, JSON)] = [
    ("null", .null), (" true ", .bool(true)), ("\n\tfalse\r", .bool(false)),
    ("0", .integer(0)), ("-7", .integer(-7)),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .number(9_223_372_036_854_775_808)),
    ("1.5", .number(1.5)), ("1e3", .number(1000)), ("1E-2", .number(0.01)),
    ("2e+2", .number(200)), ("-0", .number(-0.0)), ("\"\"", .string("")),
    ("[]", .array([])), ("{}", .object([:])),
    ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
    ("{\"a\":{\"b\":null}}", .object(["a": .object(["b": .null])])),
    (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")),
    (#""\u00e9\u4E2d""#, .string("é中")), (#""\ud83d\ude00""#, .string("😀")),
    ("\"é😀\"", .string("é😀")),
  ]

  @Test(arguments: values)
  func `a well-formed text is read`(text: String, expected: JSON) throws {
    #expect(try parse(text) == expected)
  }

  @Test(arguments: [
    "", " ", "nul", "tru", "[", "[1", "[1,", "[1,]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1",
    "{\"a\":1,}", "{a:1}", "{1:1}", "1 2", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "--1",
    "\"", "\"a", #""\"#, #""\x""#, #""\u12""#, #""\u12G4""#, #""\ud800""#, #""\ud800x""#,
    #""\ud800\u0041""#, #""\udc00""#, "\"\n\"", "\"\u{0}\"", "NaN", "Infinity", "-Infinity",
    "1e400", "'a'", "[1]]", "\u{feff}1", "/**/1",
  ])
  func `a malformed text is refused with a position`(text: String) throws {
    let error = #expect(throws: JSONError.self) { try parse(text) }
    guard case .malformed(let byte, _) = error else {
      Issue.record("\(text): \(String(describing: error))")
      return
    }
    #expect((0...text.utf8.count).contains(byte))
  }

  @Test func `a leading zero is named at the digit after it`() {
    #expect(throws: JSONError.malformed(atByte: 2, expected: "no digit after a leading zero")) {
      try parse("[01]".replacing("[", with: " ").replacing("]", with: ""))
    }
  }

  @Test(
    arguments: [
      [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80],
      [0xE2, 0x82],
    ] as [[UInt8]])
  func `bytes that are no UTF-8 are refused`(bytes: [UInt8]) {
    #expect(throws: JSONError.invalidUTF8(atByte: 1)) {
      try JSON(parsing: [0x22] + bytes + [0x22])
    }
  }

  @Test func `a key that appears twice is refused`() {
    #expect(throws: JSONError.repeatedKey("a", atByte: 7)) { try parse("{\"a\":1,\"a\":2}") }
    #expect(throws: JSONError.repeatedKey("a", atByte: 7)) { try parse("{\"a\":1,\"\\u0061\":2}") }
  }

  @Test func `keys that only look alike are different`() throws {
    #expect(try parse("{\"é\":1,\"e\u{301}\":2}").objectValue?.count == 2)
  }

  @Test func `nesting is limited`() throws {
    let limit = JSON.depthLimit
    let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
    #expect(try parse(deepest).arrayValue?.count == 1)
    for opening in ["[", "{\"a\":"] {
      #expect(throws: JSONError.tooDeep(limit: limit)) {
        try parse(String(repeating: opening, count: 1_000_000))
      }
    }
  }

  @Test func `bare non-finite numbers are read when they are allowed`() throws {
    #expect(try parse("NaN", nonFinite: true).doubleValue?.isNaN == true)
    #expect(try parse("[Infinity]", nonFinite: true) == .array([.number(.infinity)]))
    #expect(try parse("-Infinity", nonFinite: true) == .number(-.infinity))
  }
}

@Suite struct JSONWritingTests {
  @Test(arguments: [
    "{\"a\":1,\"b\":[true,false,null],\"c\":{\"\":\"x\"}}", "[0.1,1e+300,5e-324,-1.5,1e-07]",
    #"["\"\\\n\r\t\u0000\u001f/é😀"]"#, "[]", "{}", "[9223372036854775807,-9223372036854775808]",
  ])
  func `the canonical text is read and written unchanged`(text: String) throws {
    #expect(try JSON(parsing: Array(text.utf8)).canonicalText == text)
  }

  @Test func `keys are sorted by their bytes`() {
    let value = JSON.object(["é": .null, "b": .null, "B": .null, "aa": .null, "a": .null])
    #expect(value.canonicalText == #"{"B":null,"a":null,"aa":null,"b":null,"é":null}"#)
  }

  @Test func `numbers that JSON cannot express become null`() {
    #expect(JSON.array([.number(.nan), .number(-.infinity)]).canonicalText == "[null,null]")
  }

  @Test func `whole numbers keep their fraction`() {
    #expect(JSON.array([.number(4), .number(-2e14)]).canonicalText == "[4.0,-200000000000000.0]")
  }

  @Test func `the text for people is indented and means the same`() throws {
    let value = JSON.object(["a": .array([.integer(1), .object([:])]), "b": .string("x")])
    #expect(value.prettyText == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}")
    #expect(try JSON(parsing: Array(value.prettyText.utf8)) == value)
  }
}

@Suite struct JSONAccessTests {
  struct Example: Codable, Equatable {
    let count: Int
    let names: [String]
  }

  @Test func `values are reached by key and type`() throws {
    let text = #"{"i":3,"f":4.0,"h":0.5,"s":"x","t":true,"n":null,"a":[1]}"#
    let value = try JSON(parsing: Array(text.utf8))
    #expect(value["i"]?.intValue == 3 && value["f"]?.intValue == 4 && value["h"]?.intValue == nil)
    #expect(value["i"]?.doubleValue == 3 && value["h"]?.doubleValue == 0.5)
    #expect(value["s"]?.stringValue == "x" && value["s"]?.doubleValue == nil)
    #expect(value["t"]?.boolValue == true && value["i"]?.boolValue == nil)
    #expect(value["n"] == .null && value.present("n") == nil && value.present("s") != nil)
    #expect(value["a"]?.arrayValue == [.integer(1)] && value["x"] == nil && value["s"]?["x"] == nil)
  }

  @Test func `a number that is no integer of 64 bits has no integer value`() {
    #expect(JSON.number(1e300).intValue == nil)
    #expect(JSON.number(.nan).intValue == nil)
  }

  @Test func `our own values are coded and decoded`() throws {
    let example = Example(count: 2, names: ["a", "b"])
    let json = try JSON(encoding: example)
    #expect(json.canonicalText == #"{"count":2,"names":["a","b"]}"#)
    #expect(try json.decode(as: Example.self) == example)
  }

  @Test(arguments: [
    (#"{"count":1}"#, "“names” is missing"),
    (#"{"count":"x","names":[]}"#, "“count” is not acceptable"),
    (#"{"count":1,"names":[1]}"#, "“names.Index 0” is not acceptable"),
  ])
  func `a mismatch is named`(text: String, expected: String) throws {
    let json = try JSON(parsing: Array(text.utf8))
    #expect(throws: JSONError.mismatch(expected)) { try json.decode(as: Example.self) }
  }

  static let errors: [(JSONError, String)] = [
    (.malformed(atByte: 3, expected: "a key"), "malformed JSON at byte 3: expected a key"),
    (.repeatedKey("k", atByte: 9), "JSON key “k” appears twice, again at byte 9"),
    (.tooDeep(limit: 128), "JSON is nested deeper than 128 levels"),
    (.invalidUTF8(atByte: 2), "text is not well-formed UTF-8 at byte 2"),
    (.mismatch("x"), "JSON does not have the expected members: x"),
  ]

  @Test(arguments: errors)
  func `errors explain themselves`(error: JSONError, text: String) {
    #expect(error.description == text)
    #expect(error.kind == .badInput)
  }
}
